/** Every error of the clients. `code` is one of docs/errors.md. */
export class MaskstreamError extends Error {
  readonly code: string;

  constructor(code: string, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.name = 'MaskstreamError';
    this.code = code;
  }
}
