import { Container } from '../../src/gen/maskstream/v1/video_request.ts';
import { configOf, imageCall, type Target, videoCall } from './hostile-calls.ts';
import { matroskaTag } from './hostile-files.ts';
import { field, frame, videoMessage } from './raw-calls.ts';

/** A protobuf varint of 2^63 - 1 and more: the largest that ten bytes hold. */
const largestVarint = Buffer.from([...Array.from({ length: 9 }, () => 0xff), 0x7f]);

/** 2^60, as a varint: a number, but none that JavaScript counts with. */
const beyondSafe = Buffer.from([...Array.from({ length: 8 }, () => 0x80), 0x10]);

/** Sends each message on a call of its own; what each call ended with. */
export async function brokenMessages(target: Target): Promise<string> {
  const { address, limitMs } = target;
  const stream = (config: Buffer, ...messages: Buffer[]): Promise<string> =>
    videoCall(address, [config, ...messages], limitMs, { ends: true });
  const data = field(1, Buffer.of(0, 0, 0, 1));
  const outcomes = [
    // chunk.capture_timestamp_us
    await stream(
      configOf({}),
      frame(field(2, Buffer.concat([data, Buffer.of(0x18), largestVarint]))),
    ),
    // prompt.request_id
    await stream(configOf({}), frame(field(3, Buffer.concat([Buffer.of(0x08), beyondSafe])))),
    await imageCall(target, Buffer.alloc(100, 0xff)),
    await stream(
      configOf({ container: Container.CONTAINER_MATROSKA }),
      videoMessage({
        $case: 'chunk',
        value: { data: matroskaTag('name\n[error] forged\n'), randomAccess: false },
      }),
    ),
  ];
  return outcomes.join(', ');
}
