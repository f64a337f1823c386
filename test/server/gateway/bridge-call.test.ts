import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  Client,
  credentials,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
} from '@grpc/grpc-js';
import { afterEach, expect, test, vi } from 'vitest';
import { WebSocketServer } from 'ws';
import { createJsonLogger } from '../../../src/cli/json-logger.ts';
import { bridgeCall } from '../../../src/server/gateway/bridge-call.ts';
import { rawWebSocket } from '../../fixtures/raw-web-socket.ts';

const path = '/maskstream.v1.SegmentationService/SegmentVideo';
const answer = Buffer.alloc(256 * 1024);
const identity = (bytes: Buffer) => bytes;

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

/** A gRPC server with one method; its port. */
async function serveMethod(handler: (call: ServerDuplexStream<Buffer, Buffer>) => void) {
  const server = new Server();
  const definition = {
    path,
    requestStream: true,
    responseStream: true,
    requestSerialize: identity,
    requestDeserialize: identity,
    responseSerialize: identity,
    responseDeserialize: identity,
  };
  server.addService({ SegmentVideo: definition }, { SegmentVideo: handler });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  closers.push(() => server.forceShutdown());
  return port;
}

/** A method that answers without end, as fast as it is read; counts what it has handed over. */
async function endlessAnswers() {
  let bytes = 0;
  let over: (() => void) | null = null;
  const ended = new Promise<void>((resolve) => (over = resolve));
  const port = await serveMethod((call) => {
    call.once('cancelled', () => over?.());
    call.on('data', () => undefined);
    const write = () => {
      while (!call.cancelled) {
        bytes += answer.length;
        if (!call.write(answer)) return call.once('drain', write);
      }
      return undefined;
    };
    write();
  });
  return { port, ended, bytes: () => bytes };
}

/** A page's address whose sockets are carried to the method. */
async function bridgeTo(
  port: number,
  readerTimeoutMs: number,
  connect = () => new Client(`127.0.0.1:${port}`, credentials.createInsecure()),
): Promise<string> {
  const sockets = new WebSocketServer({ noServer: true });
  const http = createServer().listen(0, '127.0.0.1');
  http.on('upgrade', (request, socket, head) => {
    sockets.handleUpgrade(request, socket, head, (opened) =>
      bridgeCall(opened, {
        path,
        oneRequest: false,
        firstMessageMs: 10_000,
        maxQueuedBytes: 1024 * 1024,
        readerTimeoutMs,
        log: createJsonLogger('error', process.stderr),
        connect,
      }),
    );
  });
  await once(http, 'listening');
  closers.push(() => http.close());
  return `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
}

test('a peer that never reads is ended, and what waits for it was bounded', async () => {
  const method = await endlessAnswers();
  const peer = await rawWebSocket(await bridgeTo(method.port, 500), 'SegmentVideo');
  peer.frame(Buffer.of(1));
  await method.ended;
  // What waits here, in grpc-js and in the buffers of two loopback connections.
  expect(method.bytes()).toBeLessThan(40 * 1024 * 1024);
  peer.connection.destroy();
});

test('a peer that reads slowly is not', async () => {
  const method = await endlessAnswers();
  const peer = await rawWebSocket(await bridgeTo(method.port, 1000), 'SegmentVideo');
  let read = 0;
  let ended = false;
  void method.ended.then(() => (ended = true));
  peer.frame(Buffer.of(1));
  const enough = 64 * 1024 * 1024;
  while (read < enough) {
    const part = peer.connection.read() as Buffer | null;
    if (part === null) await once(peer.connection, 'readable');
    else read += part.length;
  }
  expect(ended).toBe(false);
  peer.connection.destroy();
  await method.ended;
});

test('thousands of messages that come at once wait here and not in the library, and all are sent', async () => {
  const received: number[] = [];
  let hasEnded = false;
  const port = await serveMethod((call) => {
    call.on('data', (message: Buffer) => received.push(message.readUInt16BE()));
    call.on('end', () => (hasEnded = true));
  });
  let most = 0;
  const connect = () => {
    const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
    const open = client.makeBidiStreamRequest.bind(client);
    const watched = (...args: Parameters<typeof open>) => {
      const call = open(...args);
      const write = call.write.bind(call) as (message: unknown) => boolean;
      call.write = (message: unknown) => {
        const isTaken = write(message);
        most = Math.max(most, call.writableLength);
        return isTaken;
      };
      return call;
    };
    vi.spyOn(client, 'makeBidiStreamRequest').mockImplementation(watched);
    return client;
  };
  const peer = await rawWebSocket(await bridgeTo(port, 1000, connect), 'SegmentVideo');
  const count = 10_000;
  const messages = Array.from({ length: count }, (_, i) =>
    Buffer.of(0x82, 0x82, 0, 0, 0, 0, i >> 8, i & 255),
  );
  const end = Buffer.from('{"type":"end"}');
  const header = Buffer.of(0x81, 0x80 | end.length, 0, 0, 0, 0);
  peer.more(Buffer.concat([...messages, header, end]));
  await expect.poll(() => hasEnded, { timeout: 10_000 }).toBe(true);
  peer.connection.destroy();
  expect(received).toEqual(messages.map((_, i) => i));
  expect(most).toBeLessThanOrEqual(16);
});
