/** A picture as it was put together. */
export type CodedPicture = { readonly bytes: Buffer; readonly randomAccess: boolean };

/** Puts pictures of one codec together from the payloads of RTP packets, which come in order. */
export type Depacketizer = {
  /** Takes the next payload of the picture; false where the picture is damaged by it. */
  add(payload: Buffer): boolean;
  /** The picture, after its last payload; null where there is none, or it is not complete. */
  take(): CodedPicture | null;
  /** Forgets the picture that was begun. */
  discard(): void;
};
