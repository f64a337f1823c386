import { WebSocket } from 'ws';
import type { CallEnd, OpenVideoCall } from '../../clients/core/video-call.ts';
import { SegmentVideoRequest } from '../../src/gen/maskstream/v1/video_request.ts';
import { SegmentVideoResponse } from '../../src/gen/maskstream/v1/video_response.ts';

/**
 * SegmentVideo over a WebSocket of the gateway, as a browser speaks it but from Node.
 *
 * @param pageAddress such as `http://127.0.0.1:50080`
 */
export function openGatewayCall(pageAddress: string): OpenVideoCall {
  return ({ onResponse, onEnd }) => {
    const address = pageAddress.replace(/^http/, 'ws');
    const socket = new WebSocket(`${address}/maskstream.v1.SegmentationService/SegmentVideo`, {
      perMessageDeflate: false,
    });
    const waiting: (Uint8Array | string)[] = [];
    let end: CallEnd = { code: 14, message: 'the connection was lost', errorCode: null };
    const write = (message: Uint8Array | string) => {
      if (socket.readyState === WebSocket.CONNECTING) waiting.push(message);
      else socket.send(message);
    };
    socket.on('open', () => {
      for (const message of waiting.splice(0)) socket.send(message);
    });
    socket.on('message', (data: Buffer, isBinary) => {
      if (isBinary) onResponse(SegmentVideoResponse.decode(data));
      else end = parseEnd(data.toString());
    });
    socket.on('error', () => undefined);
    socket.on('close', () => onEnd(end));
    return {
      send: (request) => write(SegmentVideoRequest.encode(request).finish()),
      get bufferedBytes() {
        return socket.bufferedAmount;
      },
      end: () => write(JSON.stringify({ type: 'end' })),
      cancel: () => socket.terminate(),
    };
  };
}

function parseEnd(text: string): CallEnd {
  const status = JSON.parse(text) as { code: number; message: string; error_code?: string };
  return { code: status.code, message: status.message, errorCode: status.error_code ?? null };
}
