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
import { afterEach, expect, test } from 'vitest';
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

/** A gRPC method that answers without end, as fast as it is read; counts what it has handed over. */
async function endlessAnswers() {
  let bytes = 0;
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
  const ended = new Promise<void>((resolve) => {
    const handler = (call: ServerDuplexStream<Buffer, Buffer>) => {
      call.once('cancelled', resolve);
      call.on('data', () => undefined);
      const write = () => {
        while (!call.cancelled) {
          bytes += answer.length;
          if (!call.write(answer)) return call.once('drain', write);
        }
        return undefined;
      };
      write();
    };
    server.addService({ SegmentVideo: definition }, { SegmentVideo: handler });
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  closers.push(() => server.forceShutdown());
  return { port, ended, bytes: () => bytes };
}

/** A page's address whose sockets are carried to the method. */
async function bridgeTo(port: number, readerTimeoutMs: number): Promise<string> {
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
        connect: () => new Client(`127.0.0.1:${port}`, credentials.createInsecure()),
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
