/** What the server logs through; pino fits. Fields are JSON values. */
export type Logger = {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
};

/** Logs nothing. */
export const silentLogger: Logger = { info() {}, warn() {}, error() {} };
