import { givenSettings, readConfig } from '../../config.ts';
import { SegmentationError } from '../../frame/errors.ts';
import type { Command, CommandIo } from '../command.ts';
import { serviceOptions, serviceOverrides } from '../serve.ts';
import type { Finding } from './finding.ts';
import { ask } from './finding.ts';
import { lookAtDisk, lookAtLimits, lookAtMachine } from './machine.ts';
import {
  lookAtDecoder,
  lookAtModel,
  lookAtPorts,
  lookAtSettings,
  lookAtVersions,
} from './service.ts';

/** `maskstream doctor` */
export const doctorCommand: Command = {
  usage: ['maskstream doctor [--json]'],
  maxPositionals: 0,
  options: {
    ...serviceOptions,
    json: { kind: 'flag', help: 'One JSON object on stdout.' },
  },
  epilogue: `Reads the environment as serve does; tokens are not printed. Put its output into a report of a
fault. Exit code 1 where something would keep a server from starting.`,
  run: async (args, io) => {
    const findings = await examine(serviceOverrides(args), io.signal);
    if (args.flags.has('json')) io.stdout.write(`${JSON.stringify(asJson(findings), null, 2)}\n`);
    else print(findings, io);
    const faults = findings.filter(({ problem }) => problem?.kind === 'fault');
    if (faults.length === 0) return;
    const what = faults.map(({ section, problem }) => `${section}: ${problem?.text}`).join('; ');
    throw new SegmentationError('unhealthy', `expected no fault, got ${faults.length}: ${what}`);
  },
};

/** Looks at everything; settings that cannot be read end with that as the one fault. */
export async function examine(
  overrides: Parameters<typeof readConfig>[0],
  signal: AbortSignal,
): Promise<Finding[]> {
  const findings: Finding[] = [];
  await ask('versions', findings, lookAtVersions);
  await ask('machine', findings, lookAtMachine);
  await ask('limits', findings, lookAtLimits);
  await ask('disk', findings, lookAtDisk);
  await ask('settings', findings, async (report) => {
    const config = readConfig(overrides);
    await lookAtSettings(report, config, givenSettings());
    await ask('decoder', findings, (tell) => lookAtDecoder(tell, config));
    await ask('model', findings, (tell) => lookAtModel(tell, config, signal));
    await ask('ports', findings, (tell) => lookAtPorts(tell, config));
  });
  signal.throwIfAborted();
  return findings;
}

function asJson(findings: readonly Finding[]): object {
  const problems = findings.flatMap(({ problem }) => problem ?? []);
  const faults = problems.filter(({ kind }) => kind === 'fault').length;
  return { version: 1, ok: faults === 0, faults, warnings: problems.length - faults, findings };
}

function print(findings: readonly Finding[], io: CommandIo): void {
  const width = Math.max(...findings.map(({ name }) => name.length));
  const sections = [...new Set(findings.map(({ section }) => section))];
  for (const section of sections) {
    io.stdout.write(`${section}\n`);
    for (const finding of findings.filter((one) => one.section === section)) {
      const { name, value, problem } = finding;
      const shown = Array.isArray(value) ? value.join(' ') : String(value ?? '');
      const marked = problem === null ? '' : `${shown === '' ? '' : '  '}! ${problem.text}`;
      io.stdout.write(`  ${name.padEnd(width)}  ${shown}${marked}\n`);
    }
  }
}
