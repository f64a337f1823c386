import { Client, credentials, Metadata, status, type ServiceError } from '@grpc/grpc-js';
import {
  GRPCInferenceServiceService as service,
  type ModelInferRequest,
  type ModelInferResponse,
  type ModelMetadataResponse,
} from '../../../gen/kserve/open_inference.ts';
import type { KserveOptions } from './kserve-options.ts';

/** Where a call's answer is not awaited any longer. */
export type CallLimits = { readonly deadlineMs: number; readonly signal?: AbortSignal };

/** Bytes of the messages of a call, without what gRPC and HTTP/2 add. */
export type CallBytes = { sentBytes: number; receivedBytes: number };

/** A call that ended with another status than OK. */
export class CallFailure extends Error {
  readonly code: status;

  constructor(address: string, { code, details }: Pick<ServiceError, 'code' | 'details'>) {
    // Texts are for people alone: Node drops some that Triton sends.
    super(`${address}: ${status[code]}${details === '' ? '' : ` (${details})`}`);
    this.name = 'CallFailure';
    this.code = code;
  }
}

/** A model of a server; without a version the server chooses. */
export type ServerModel = { readonly name: string; readonly version: string };

/** The calls of one inference server. Each throws {@link CallFailure}. */
export class KserveClient {
  readonly address: string;
  readonly #client: Client;
  readonly #metadata = new Metadata();

  constructor(
    address: string,
    { tls, token, maxMessageBytes }: Pick<KserveOptions, 'tls' | 'token' | 'maxMessageBytes'>,
  ) {
    this.address = address;
    const authorities = tls?.authorities ?? null;
    const channel =
      tls === null
        ? credentials.createInsecure()
        : credentials.createSsl(authorities === null ? null : Buffer.from(authorities));
    this.#client = new Client(address, channel, {
      'grpc.max_send_message_length': maxMessageBytes,
      'grpc.max_receive_message_length': maxMessageBytes,
      // A name may stand for several servers.
      'grpc.service_config': JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] }),
      // Which calls are made again, and where, is our own rule.
      'grpc.enable_retries': 0,
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.min_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 1000,
    });
    if (token !== null) this.#metadata.set('authorization', `Bearer ${token}`);
  }

  async serverReady(limits: CallLimits): Promise<boolean> {
    return (await this.#call(service.serverReady, {}, limits)).ready;
  }

  async modelReady(model: ServerModel, limits: CallLimits): Promise<boolean> {
    return (await this.#call(service.modelReady, model, limits)).ready;
  }

  async modelMetadata(model: ServerModel, limits: CallLimits): Promise<ModelMetadataResponse> {
    return await this.#call(service.modelMetadata, model, limits);
  }

  /** Runs a model once. `bytes` is filled on the way, so that it holds what a call took that failed. */
  async infer(
    request: ModelInferRequest,
    limits: CallLimits,
    bytes: CallBytes = { sentBytes: 0, receivedBytes: 0 },
  ): Promise<ModelInferResponse> {
    const { path, requestSerialize, responseDeserialize } = service.modelInfer;
    const counted = {
      path,
      requestSerialize: (value: ModelInferRequest) => {
        const message = requestSerialize(value);
        bytes.sentBytes = message.byteLength;
        return message;
      },
      responseDeserialize: (message: Buffer) => {
        bytes.receivedBytes = message.byteLength;
        return responseDeserialize(message);
      },
    };
    return await this.#call(counted, request, limits);
  }

  /** Ends the connections; calls under way fail. */
  close(): void {
    this.#client.close();
  }

  #call<Request, Response>(
    { path, requestSerialize, responseDeserialize }: Method<Request, Response>,
    request: Request,
    { deadlineMs, signal }: CallLimits,
  ): Promise<Response> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(new CallFailure(this.address, cancelled));
        return;
      }
      const onAbort = (): void => call.cancel();
      const call = this.#client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        this.#metadata,
        { deadline: Date.now() + deadlineMs },
        (error, response) => {
          signal?.removeEventListener('abort', onAbort);
          if (response !== undefined) resolve(response);
          else reject(new CallFailure(this.address, error ?? nothing));
        },
      );
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }
}

type Method<Request, Response> = {
  readonly path: string;
  readonly requestSerialize: (value: Request) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => Response;
};

const cancelled = { code: status.CANCELLED, details: 'the call was given up' };
const nothing = { code: status.UNKNOWN, details: 'neither an answer nor an error' };
