export { publish } from './publish.ts';
export type { PublishEvent, PublishOptions } from './publish-options.ts';
export type { CameraEvent } from './camera/read-camera.ts';
export type { PublishedFrame, ServerEvent } from './camera/receive-answers.ts';
export type { CaptureClock } from './camera/capture-stamps.ts';
export type { Encoding, VideoFormat } from './access-unit.ts';
export type { PlannedPrompt } from '../../src/calls/planned-prompt.ts';
export { readPromptsFile } from './read-prompts.ts';
export * from '../typescript/index.ts';
