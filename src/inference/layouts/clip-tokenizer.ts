/** Token ids of a phrase, and how many of them are its own. */
export type Tokens = { readonly ids: readonly number[]; readonly length: number };

/** What of `tokenizer.json` is read: a byte-level BPE model with a suffix at the end of words. */
export type TokenizerFile = {
  readonly model: {
    readonly vocab: Readonly<Record<string, number>>;
    readonly merges: readonly (string | readonly [string, string])[];
    readonly end_of_word_suffix?: string | null;
  };
};

/** What frames and fills a phrase's tokens. */
export type TokenFrame = {
  readonly contextLength: number;
  readonly startId: number;
  readonly endId: number;
  readonly paddingId: number;
};

/** Words, single digits and runs of signs, as CLIP splits a text. */
const pieces = /'s|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}|[^\s\p{L}\p{N}]+/gu;

/**
 * The tokenizer of CLIP ("Learning Transferable Visual Models From Natural Language Supervision",
 * Radford et al. 2021), which SAM 3's text encoder uses: byte-level byte pair encoding of lower-cased
 * words, with the model folder's own vocabulary and merges.
 */
export class ClipTokenizer {
  readonly #vocabulary: ReadonlyMap<string, number>;
  readonly #ranks: ReadonlyMap<string, number>;
  readonly #suffix: string;
  readonly #frame: TokenFrame;

  constructor({ model }: TokenizerFile, frame: TokenFrame) {
    this.#vocabulary = new Map(Object.entries(model.vocab));
    this.#ranks = new Map(
      model.merges.map((pair, rank) => [typeof pair === 'string' ? pair : pair.join(' '), rank]),
    );
    this.#suffix = model.end_of_word_suffix ?? '';
    this.#frame = frame;
  }

  /** Ids of a phrase, framed and filled up to the context; a longer phrase is cut. */
  encode(phrase: string): Tokens {
    const { contextLength, startId, endId, paddingId } = this.#frame;
    const words = phrase.toLowerCase().match(pieces) ?? [];
    const own = words.flatMap((word) => this.#wordIds(word)).slice(0, contextLength - 2);
    const framed = [startId, ...own, endId];
    const padding = Array.from({ length: contextLength - framed.length }, () => paddingId);
    return { ids: [...framed, ...padding], length: framed.length };
  }

  #wordIds(word: string): number[] {
    const symbols = [...new TextEncoder().encode(word)].map((byte) => byteSymbols[byte]!);
    symbols[symbols.length - 1] += this.#suffix;
    for (let at = this.#bestPair(symbols); at !== null; at = this.#bestPair(symbols)) {
      const merged = symbols[at]! + symbols[at + 1]!;
      symbols.splice(at, 2, merged);
    }
    return symbols.flatMap((symbol) => this.#vocabulary.get(symbol) ?? []);
  }

  /** Where the pair stands that was merged first in training; null: none is mergeable. */
  #bestPair(symbols: readonly string[]): number | null {
    let best: { readonly at: number; readonly rank: number } | null = null;
    for (let at = 0; at + 1 < symbols.length; at++) {
      const rank = this.#ranks.get(`${symbols[at]} ${symbols[at + 1]}`);
      if (rank !== undefined && (best === null || rank < best.rank)) best = { at, rank };
    }
    return best?.at ?? null;
  }
}

/** A printable character for each byte, as GPT-2's and CLIP's vocabularies spell them. */
const byteSymbols: readonly string[] = spellBytes();

function spellBytes(): string[] {
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) =>
    String.fromCodePoint(isPrintable(byte) ? byte : next++),
  );
}

function isPrintable(byte: number): boolean {
  return (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
}
