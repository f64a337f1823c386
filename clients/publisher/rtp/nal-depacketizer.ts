import type { CodedPicture, Depacketizer } from './depacketizer.ts';
import type { NalCodec } from './nal-codecs.ts';

const startCode = Buffer.from([0, 0, 0, 1]);

/** More is no picture of a camera. */
const maxPictureBytes = 16 * 1024 * 1024;

/**
 * H.264 (RFC 6184) and H.265 (RFC 7798) to Annex B. Parameter sets that stand in the session
 * description only, or were sent once, are put before every random access point that lacks them; newer
 * ones take the place of older ones.
 */
export class NalDepacketizer implements Depacketizer {
  readonly #codec: NalCodec;
  /** Of each type those that came last: a sender that changes one sends all of its type. */
  readonly #sets = new Map<number, Buffer[]>();
  #units: Buffer[] = [];
  #fragment: Buffer[] | null = null;
  #bytes = 0;

  /** @param parameterSets units from the session description */
  constructor(codec: NalCodec, parameterSets: readonly Buffer[]) {
    this.#codec = codec;
    this.#remember(parameterSets);
  }

  add(payload: Buffer): boolean {
    const { headerBytes, typeOf, aggregate, fragment } = this.#codec;
    this.#bytes += payload.length;
    if (payload.length <= headerBytes || this.#bytes > maxPictureBytes) return false;
    const type = typeOf(payload);
    if (type === fragment) return this.#addFragment(payload);
    if (this.#fragment !== null) return false;
    if (type === aggregate) return this.#addAggregate(payload);
    this.#units.push(payload);
    return true;
  }

  take(): CodedPicture | null {
    const { typeOf, isPicture, isRandomAccess, parameterSets } = this.#codec;
    if (this.#fragment !== null) {
      this.discard();
      return null;
    }
    const types = this.#units.map(typeOf);
    // Parameter sets that came by themselves belong to the picture that follows.
    const firstSlice = types.findIndex(isPicture);
    if (firstSlice < 0) return null;
    // GStreamer repeats parameter sets before each slice; behind one they begin another picture.
    const units = this.#units.filter(
      (unit, at) => at < firstSlice || !parameterSets.includes(typeOf(unit)),
    );
    this.#remember(this.#units);
    this.discard();
    const randomAccess = types.some(isRandomAccess);
    const whole = randomAccess ? this.#withParameterSets(units, units.map(typeOf)) : units;
    const bytes = Buffer.concat(whole.flatMap((unit) => [startCode, unit]));
    return { bytes, randomAccess };
  }

  discard(): void {
    [this.#units, this.#fragment, this.#bytes] = [[], null, 0];
  }

  #addAggregate(payload: Buffer): boolean {
    for (let at = this.#codec.headerBytes; at < payload.length;) {
      const length = at + 2 <= payload.length ? payload.readUInt16BE(at) : 0;
      const end = at + 2 + length;
      if (length <= this.#codec.headerBytes || end > payload.length) return false;
      this.#units.push(payload.subarray(at + 2, end));
      at = end;
    }
    return true;
  }

  #addFragment(payload: Buffer): boolean {
    const marks = payload[this.#codec.headerBytes];
    if (marks === undefined) return false;
    const body = payload.subarray(this.#codec.headerBytes + 1);
    const isStart = (marks & 0x80) !== 0;
    if (isStart === (this.#fragment !== null)) return false;
    if (isStart) this.#fragment = [this.#codec.wholeHeader(payload)];
    this.#fragment?.push(body);
    if ((marks & 0x40) !== 0) {
      this.#units.push(Buffer.concat(this.#fragment ?? []));
      this.#fragment = null;
    }
    return true;
  }

  #remember(units: readonly Buffer[]): void {
    for (const type of this.#codec.parameterSets) {
      const found = units.filter((unit) => this.#codec.typeOf(unit) === type);
      // A copy: what it was cut from can go.
      if (found.length > 0)
        this.#sets.set(
          type,
          found.map((unit) => Buffer.from(unit)),
        );
    }
  }

  #withParameterSets(units: readonly Buffer[], types: readonly number[]): Buffer[] {
    const missing = this.#codec.parameterSets.filter((type) => !types.includes(type));
    return [...missing.flatMap((type) => this.#sets.get(type) ?? []), ...units];
  }
}
