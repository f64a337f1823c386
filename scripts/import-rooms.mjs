// The table of docs/architecture.md: which folder may import what. import-table.mjs checks it.

/** Shapes that all rooms of inference share. */
const inferenceTypes = ['src/inference/manifest.ts', 'src/inference/picture.ts'];

/** What both doors of the server share. */
const serverDoor = [
  'src/frame',
  // The wire form of a hint, which the server writes and clients read.
  'clients/core/retry-status.ts',
  'src/server/error-status.ts',
  'src/server/logger.ts',
  'src/server/server-limits.ts',
];

/** What both directions of a call share. */
const serverRoom = [
  'src/frame',
  'src/gen',
  'src/pipeline',
  'src/server/mask-workers',
  'src/server/server-limits.ts',
  'src/server/video-service.ts',
  'src/server/wire-enums.ts',
];

/** What the page bundles: messages, formats and the vocabulary, all without Node. */
const browserBundle = [
  'src/frame',
  'src/formats',
  'src/gen',
  'clients/core',
  'clients/core/resume',
  'src/calls/describe-answer.ts',
  'src/video/detect-container.ts',
];

/**
 * What each room may import besides itself: other rooms, or single files of them. A room's own
 * subfolders are rooms of their own; a longer name wins over a shorter one.
 */
export const mayImport = {
  'src/frame': [],
  'src/gen': [],
  'src/formats': ['src/frame'],
  'src/calls': ['src/frame', 'src/formats', 'src/gen', 'clients/core', 'clients/typescript'],
  'src/video': [
    'src/frame',
    'src/video/headers',
    'src/video/ffmpeg',
    'src/video/mp4',
    'src/video/encode',
  ],
  'src/video/ffmpeg': ['src/frame', 'src/video/stream-format.ts'],
  'src/video/mp4': ['src/frame', 'src/video/headers', 'src/video/chunk-source.ts'],
  'src/video/encode': ['src/frame', 'src/video/ffmpeg', 'src/video/chunk-source.ts'],
  'src/video/headers': ['src/frame', 'src/video/stream-format.ts'],
  'src/inference': [
    'src/frame',
    'src/inference/layouts',
    'src/inference/text',
    'src/inference/worker',
    'src/inference/recognition',
    'src/inference/engine/device.ts',
    'src/inference/engine/provider.ts',
    'src/inference/engine/kserve/kserve-options.ts',
    'src/inference/engine/node-places.ts',
  ],
  'src/inference/engine': ['src/frame', 'src/inference/manifest.ts', 'src/package-root.ts'],
  'src/inference/engine/kserve': [
    'src/frame',
    'src/gen',
    'src/inference/engine',
    'src/inference/manifest.ts',
  ],
  'src/inference/recognition': ['src/frame', 'src/inference/engine', ...inferenceTypes],
  'src/inference/layouts': [
    'src/frame',
    'src/inference/engine',
    // Pictures become inputs in the loops over pixels that tracking has.
    'src/tracking/kernel',
    ...inferenceTypes,
  ],
  'src/inference/text': ['src/frame', 'src/inference/layouts', ...inferenceTypes],
  'src/inference/worker': [
    'src/frame',
    'src/inference/engine',
    'src/inference/engine/kserve',
    'src/inference/layouts',
    'src/inference/text',
    ...inferenceTypes,
  ],
  'src/tracking': ['src/frame', 'src/tracking/object', 'src/tracking/mask', 'src/tracking/flow'],
  'src/tracking/object': [
    'src/frame',
    'src/tracking/mask',
    'src/tracking/flow',
    'src/tracking/delivery-types.ts',
    'src/tracking/tracker-types.ts',
  ],
  'src/tracking/mask': ['src/frame', 'src/tracking/flow', 'src/tracking/kernel'],
  'src/tracking/flow': ['src/frame', 'src/tracking/kernel'],
  'src/tracking/kernel': ['src/frame'],
  'src/pipeline': [
    'src/frame',
    'src/tracking',
    'src/pipeline/intake',
    'src/pipeline/prompts',
    'src/pipeline/keyframe',
    'src/pipeline/tracker',
  ],
  'src/pipeline/intake': ['src/frame', 'src/pipeline/session-types.ts'],
  'src/pipeline/prompts': [
    'src/frame',
    'src/tracking',
    'src/tracking/object',
    'src/pipeline/session-types.ts',
  ],
  'src/pipeline/keyframe': [
    'src/frame',
    'src/tracking',
    'src/tracking/object',
    'src/tracking/mask',
    'src/tracking/flow',
    'src/pipeline/prompts',
    'src/pipeline/tracker',
    'src/pipeline/stage-clock.ts',
  ],
  'src/pipeline/tracker': ['src/frame', 'src/tracking', 'src/tracking/flow'],
  'src/models': ['src/frame', 'src/package-root.ts'],
  'src/server': [
    'src/frame',
    'src/gen',
    'src/pipeline',
    'src/server/admission',
    'src/server/requests',
    'src/server/responses',
    'src/server/mask-encoding',
    'src/server/gateway',
    'src/server/mask-workers',
    'src/server/metrics',
    'src/server/telemetry',
    'src/server/wire-scan',
    'clients/core/retry-status.ts',
  ],
  'src/server/gateway': [...serverDoor, 'src/server/admission', 'src/server/server-options.ts'],
  'src/server/admission': [
    ...serverDoor,
    'src/server/server-metrics.ts',
    'src/pipeline/session-types.ts',
  ],
  'src/server/telemetry': [
    'src/frame',
    'src/pipeline',
    'src/server/server-metrics.ts',
    'src/server/server-tracing.ts',
  ],
  'src/server/metrics': ['src/frame', 'src/pipeline', 'src/server/server-metrics.ts'],
  'src/server/requests': [...serverRoom, 'src/server/call-signal.ts', 'src/server/wire-scan'],
  'src/server/responses': [...serverRoom, 'src/server/call-signal.ts'],
  'src/server/mask-encoding': ['src/frame', 'src/gen'],
  'src/server/mask-workers': ['src/frame', 'src/gen', 'src/server/mask-encoding'],
  'src/server/wire-scan': ['src/frame'],
  'src/evaluation': [
    'src/frame',
    'src/formats',
    'src/calls',
    'src/video',
    'src/tracking/flow',
    'src/tracking/mask',
    'src/package-root.ts',
    'clients/typescript',
  ],
  'clients/core': ['src/gen'],
  // The core of the resume state machine needs the seam alone; nothing of it needs the core.
  'clients/core/resume': ['src/gen', 'clients/core/video-call.ts'],
  'clients/typescript': ['src/gen', 'clients/core', 'clients/core/resume'],
  // Prompts files, settings and lines are those of the commands; none of it needs a model or ffmpeg.
  'clients/publisher': [
    'src/frame',
    'src/formats',
    'src/calls',
    'src/config.ts',
    'src/cli/command.ts',
    'src/cli/describe-error.ts',
    'src/cli/prompts-file.ts',
    'src/cli/read-json.ts',
    'clients/core',
    'clients/core/resume',
    'clients/typescript',
    'clients/publisher/camera',
    'clients/publisher/local',
    'clients/publisher/rtsp',
  ],
  // Files and pipes as `segment` reads them; ffmpeg where this machine has one.
  'clients/publisher/local': [
    'src/frame',
    'src/config.ts',
    'src/cli/segment/input-bytes.ts',
    'src/video/video-file.ts',
    'src/video/stream-format.ts',
    'src/video/ffmpeg',
    'src/video/headers',
    'clients/core',
    'clients/publisher/access-unit.ts',
    'clients/publisher/rtp',
    'clients/publisher/rtsp/rtsp-connection.ts',
  ],
  'clients/publisher/camera': [
    'src/frame',
    'src/formats',
    'src/calls',
    'clients/core',
    'clients/core/resume',
    'clients/typescript',
    'clients/publisher/access-unit.ts',
  ],
  'clients/publisher/rtsp': [
    'clients/core',
    'clients/typescript/deferred.ts',
    'clients/publisher/rtp',
    'clients/publisher/access-unit.ts',
  ],
  'clients/publisher/rtp': [],
  'clients/web': [...browserBundle, 'clients/web/worker/paint-masks.ts'],
  'clients/web/worker': [...browserBundle, 'clients/web/messages.ts', 'clients/web/summaries.ts'],
  src: 'all',
};
