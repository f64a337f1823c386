/** Units that are remembered: nine minutes at 30 a second. */
const maxUnits = 16_384;

/** As many before the newest answered one: no codec puts more out of order. */
const maxReordered = 32;

/** Where an access unit stands in its stream. */
export type UnitPlace = {
  /** Its number in the order in which units are sent, from 0. */
  readonly sent: number;
  /** Its number in the order in which frames are shown: B-frames are sent behind what they lean on. */
  readonly shown: number;
  /** Other units carry its capture time; it is the first of them. */
  readonly isShared: boolean;
};

/** The access units of a video by their capture times, those that were sent last. */
export class SentUnits {
  #units: { readonly captureUs: number; readonly group: number }[] = [];
  /** So many came before the first of them. */
  #before = 0;
  #group = 0;

  /** Units that were sent. */
  get count(): number {
    return this.#before + this.#units.length;
  }

  /** Notes the next one. @param startsGroup no unit before it is shown after it */
  add(captureUs: number, startsGroup: boolean): void {
    if (startsGroup) this.#group++;
    this.#units.push({ captureUs, group: this.#group });
    if (this.#units.length > maxUnits) this.#forgetBefore(this.#before + 1);
  }

  /** A frame was answered: those asked for from now on are shown after it. */
  answered({ sent }: UnitPlace): void {
    this.#forgetBefore(sent - maxReordered);
  }

  /** The first unit with this capture time; null where none is known. */
  find(captureUs: number): UnitPlace | null {
    const at = this.#units.findIndex((unit) => unit.captureUs === captureUs);
    const found = this.#units[at];
    if (found === undefined) return null;
    const earlier = this.#units.filter(
      ({ captureUs: us, group }) =>
        group < found.group || (group === found.group && us < captureUs),
    );
    const isShared = this.#units.some((unit, i) => i > at && unit.captureUs === captureUs);
    return { sent: this.#before + at, shown: this.#before + earlier.length, isShared };
  }

  #forgetBefore(sent: number): void {
    this.#before += this.#units.splice(0, Math.max(0, sent - this.#before)).length;
  }
}
