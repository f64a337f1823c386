import type { Command } from '../command.ts';
export const demoCommand: Command = {
  name: 'demo',
  summary: 'x',
  usage: [],
  maxPositionals: 0,
  options: {},
  run: async () => {
    throw new Error('later');
  },
};
