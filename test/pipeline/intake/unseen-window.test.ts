import { expect, test } from 'vitest';
import { UnseenWindow } from '../../../src/pipeline/intake/unseen-window.ts';

function open(maxFrames: number) {
  const window = new UnseenWindow(maxFrames);
  let frames = 0;
  const ask = () =>
    window.whenOpen(() => {
      window.answered(frames++);
      ask();
    });
  ask();
  return { window, frames: () => frames };
}

test('so many frames are let through before any is seen, and as many beyond each that is', () => {
  const { window, frames } = open(3);
  expect(frames()).toBe(3);
  window.seen(0);
  expect(frames()).toBe(4);
  window.seen(3);
  expect(frames()).toBe(7);
});

test('what was seen before changes nothing', () => {
  const { window, frames } = open(2);
  window.seen(4);
  expect(frames()).toBe(7);
  window.seen(1);
  expect(frames()).toBe(7);
});

test('the next frame is let through once', () => {
  const window = new UnseenWindow(1);
  window.answered(0);
  let calls = 0;
  window.whenOpen(() => calls++);
  expect(calls).toBe(0);
  window.seen(0);
  window.seen(5);
  expect(calls).toBe(1);
});

test('lifted, it holds nothing back', () => {
  const window = new UnseenWindow(1);
  window.answered(9);
  let calls = 0;
  window.whenOpen(() => calls++);
  window.lift();
  window.whenOpen(() => calls++);
  expect(calls).toBe(2);
});
