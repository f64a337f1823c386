import {
  type Metadata,
  status,
  ResponderBuilder,
  ServerInterceptingCall,
  type ServerInterceptor,
  ServerListenerBuilder,
} from '@grpc/grpc-js';
import { SegmentationError } from '../../frame/errors.ts';
import { statusOfError } from '../error-status.ts';
import type { Logger } from '../logger.ts';
import type { ServerMetrics } from '../server-metrics.ts';
import type { CallGuard } from './guard-calls.ts';
import { servicePrefix } from './method-limits.ts';
import type { ReportRefusal } from './report-refusals.ts';
import { anyone, type Identify, type Principal, usualAllowance } from './identity.ts';

// Orchestrators probe health without credentials.
const openPrefix = '/grpc.health.v1.Health/';

/** Knows who calls, from the interceptor to the handler. */
export type Doorkeeper = {
  readonly interceptor: ServerInterceptor;
  /** Who a call is from, by the metadata that its handler got. */
  readonly principalOf: (metadata: Metadata) => Principal;
};

/**
 * Refuses calls whose `authorization: Bearer <token>` is nobody's, health checks apart. Where nothing
 * is asked for, a verified client certificate gives the name.
 *
 * @param identify null: nothing is asked for
 */
export function keepDoor(
  identify: Identify | null,
  {
    log,
    metrics,
    refusalOf,
    report,
  }: {
    readonly log: Logger;
    readonly metrics: ServerMetrics;
    readonly refusalOf: CallGuard['refusalOf'];
    readonly report: ReportRefusal;
  },
): Doorkeeper {
  // Not in the metadata itself: what is in there is the client's to write.
  const principals = new WeakMap<Metadata, Principal>();
  return {
    principalOf: (metadata) => principals.get(metadata) ?? anyone,
    interceptor: (method, call) => {
      if (method.path.startsWith(openPrefix)) return new ServerInterceptingCall(call);
      const admit = async (metadata: Metadata, next: (metadata: Metadata) => void) => {
        const principal =
          identify === null
            ? certifiedBy(call.getAuthContext().sslPeerCertificate)
            : await ask(identify, metadata);
        if (principal !== null) {
          principals.set(metadata, principal);
          line.admitted = { metadata, principal };
          next(metadata);
          return;
        }
        const error = refusal(metadata);
        metrics.refused(error.code);
        report({ peer: call.getPeer(), method: method.path }, error);
        call.sendStatus(statusOfError(error));
      };
      const about = { method: method.path, peer: call.getPeer(), refusalOf };
      const line = new CallLine(log, about);
      const listener = new ServerListenerBuilder()
        .withOnReceiveMetadata((metadata, next) => void admit(metadata, next))
        .withOnCancel(() => line.end('cancelled'))
        .build();
      const responder = new ResponderBuilder()
        .withStart((next) => next(listener))
        .withSendStatus((end, next) => {
          line.end(end.code === status.OK ? 'ok' : (status[end.code] ?? 'UNKNOWN'));
          next(end);
        })
        .build();
      return new ServerInterceptingCall(call, responder);
    },
  };
}

type AboutCall = {
  readonly method: string;
  readonly peer: string;
  readonly refusalOf: CallGuard['refusalOf'];
};

/** The line in the log of a call to another service than our own, which has its lines elsewhere. */
class CallLine {
  admitted: { readonly metadata: Metadata; readonly principal: Principal } | null = null;
  readonly #log: Logger;
  readonly #call: AboutCall;
  readonly #startedMs = performance.now();
  #ended = false;

  constructor(log: Logger, call: AboutCall) {
    this.#log = log;
    this.#call = call;
  }

  /** @param answered how its handler ended it */
  end(answered: string): void {
    // Whoever has no name was refused, which has a line of its own.
    if (this.#ended || this.admitted === null) return;
    this.#ended = true;
    const { method, peer, refusalOf } = this.#call;
    if (method.startsWith(servicePrefix)) return;
    const { metadata, principal } = this.admitted;
    const code = refusalOf(metadata)?.code ?? answered;
    const durationMs = Math.round(performance.now() - this.#startedMs);
    const fields = { kind: 'other', method, peer, principal: principal.name, code, durationMs };
    this.#log.info(fields, 'call ended');
  }
}

/** Whoever cannot say who calls lets nobody in. */
async function ask(identify: Identify, metadata: Metadata): Promise<Principal | null> {
  try {
    return await identify({ token: tokenOf(metadata) });
  } catch {
    return null;
  }
}

/** The scheme's name is written in any case (RFC 9110), the token is not. */
function tokenOf(metadata: Metadata): string | null {
  const [given] = metadata.get('authorization');
  return typeof given === 'string' ? (/^bearer +(.+)$/i.exec(given)?.[1] ?? null) : null;
}

/** The common name of a certificate that the connection was checked with. */
function certifiedBy(certificate: { readonly subject?: { CN?: string | string[] } } | undefined) {
  const name = [certificate?.subject?.CN ?? []].flat()[0];
  return name === undefined ? anyone : { name, ...usualAllowance };
}

function refusal(metadata: Metadata): SegmentationError {
  const came = metadata.get('authorization').length === 0 ? 'none' : 'another one';
  return new SegmentationError(
    'unauthenticated',
    `authorization must be a bearer token of this server, got ${came}`,
  );
}
