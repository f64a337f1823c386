/** Every error of this library. `code` is one of docs/errors.md. */
export class MaskstreamError extends Error {
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'MaskstreamError';
    this.code = code;
  }
}
