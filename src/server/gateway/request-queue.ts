import type { ClientDuplexStream } from '@grpc/grpc-js';
import type { WebSocket } from 'ws';
import { Fifo } from '../../frame/fifo.ts';

/**
 * Hands a socket's messages to its call as fast as the call takes them. Thousands of small ones come in
 * one read, after the socket was paused too: they wait here, since grpc-js (1.14.7) copies the list of
 * all that wait for each one that it sends.
 */
export class RequestQueue {
  readonly #call: ClientDuplexStream<Buffer, Buffer>;
  readonly #socket: WebSocket;
  readonly #waiting = new Fifo<Buffer>();
  #isHeld = false;
  #ends = false;

  constructor(call: ClientDuplexStream<Buffer, Buffer>, socket: WebSocket) {
    this.#call = call;
    this.#socket = socket;
  }

  push(message: Buffer): void {
    this.#waiting.push(message);
    if (!this.#isHeld) this.#send();
  }

  /** Half-closes the call behind what waits. */
  end(): void {
    this.#ends = true;
    if (!this.#isHeld) this.#send();
  }

  #send(): void {
    while (this.#waiting.length > 0) {
      if (this.#call.write(this.#waiting.shift()!)) continue;
      this.#hold();
      return;
    }
    if (this.#ends) this.#call.end();
    else if (this.#socket.isPaused) this.#socket.resume();
  }

  #hold(): void {
    this.#isHeld = true;
    if (!this.#socket.isPaused) this.#socket.pause();
    this.#call.once('drain', () => {
      this.#isHeld = false;
      this.#send();
    });
  }
}
