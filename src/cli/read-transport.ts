import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import type { Config } from '../config.ts';
import { SegmentationError, usageError } from '../frame/errors.ts';
import type { Transport } from '../server/index.ts';

/**
 * Reads and checks the PEM files of a server: a key that is not the certificate's, or an authority
 * file that names nobody, ends here and not at the first client.
 *
 * Throws `unreadable-file`, `usage`.
 */
export async function readTransport(tls: Config['tls']): Promise<Transport> {
  if (tls === null) return { kind: 'insecure' };
  const [certificate, privateKey] = await Promise.all([readPem(tls.certificate), readPem(tls.key)]);
  try {
    createSecureContext({ cert: certificate, key: privateKey });
  } catch (cause) {
    const names = 'MASKSTREAM_TLS_CERT and MASKSTREAM_TLS_KEY';
    throw usageError(`${names}: expected a PEM certificate and its key, got ${reason(cause)}`);
  }
  const { clientAuthorities: file } = tls;
  const clientAuthorities = file === null ? null : await readPem(file);
  if (clientAuthorities !== null) checkAuthorities(clientAuthorities, `${file}`);
  return { kind: 'tls', certificate, privateKey, clientAuthorities };
}

/** OpenSSL takes a file without certificates, and would then trust nobody, or whoever it likes. */
function checkAuthorities(pem: Buffer, file: string): void {
  const blocks = pem.toString().match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g);
  const expected = `MASKSTREAM_TLS_CLIENT_CA: expected PEM certificates in ${file}`;
  if (blocks === null) throw usageError(`${expected}, got none`);
  for (const block of blocks) {
    try {
      void new X509Certificate(block);
    } catch (cause) {
      throw usageError(`${expected}, got one that does not parse: ${reason(cause)}`);
    }
  }
}

async function readPem(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (cause) {
    throw new SegmentationError('unreadable-file', `${file}: expected a PEM file, got none`, {
      cause,
    });
  }
}

function reason(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
