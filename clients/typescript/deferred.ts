/** A promise that is settled from outside. */
export type Deferred<T> = {
  readonly promise: Promise<T>;
  resolve(value: T): void;
  reject(reason: unknown): void;
};

/** Whoever awaits the promise sees the rejection; one that nobody awaits ends no process. */
export function deferred<T>(): Deferred<T> {
  let resolve!: (value: T) => void;
  let reject!: (reason: unknown) => void;
  const promise = new Promise<T>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise: attended(promise), resolve, reject };
}

/** The same promise; whoever awaits it sees its rejection, which ends no process where nobody does. */
export function attended<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}
