/** Counts something by connection and for the whole server; a connection that is gone is forgotten. */
export class ConnectionTally {
  readonly #byConnection = new WeakMap<object, number>();
  #total = 0;

  /** Of all connections. */
  get total(): number {
    return this.#total;
  }

  /** What a connection has. */
  of(connection: object): number {
    return this.#byConnection.get(connection) ?? 0;
  }

  /** So much more, or (negative) less. */
  add(connection: object, amount: number): void {
    this.#byConnection.set(connection, this.of(connection) + amount);
    this.#total += amount;
  }
}
