import type { ClientDuplexStream } from '@grpc/grpc-js';
import type { WebSocket } from 'ws';

/**
 * Hands a socket's messages to its call as fast as the call takes them. Thousands of small ones come in
 * one read, after the socket was paused too: they wait here, since grpc-js (1.14.7) copies the list of
 * all that wait for each one that it sends.
 */
export class RequestQueue {
  readonly #call: ClientDuplexStream<Buffer, Buffer>;
  readonly #socket: WebSocket;
  #waiting: Buffer[] = [];
  #sent = 0;
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
    for (
      let next = this.#waiting[this.#sent];
      next !== undefined;
      next = this.#waiting[this.#sent]
    ) {
      this.#sent++;
      if (this.#call.write(next)) continue;
      this.#hold();
      return;
    }
    this.#waiting = [];
    this.#sent = 0;
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
