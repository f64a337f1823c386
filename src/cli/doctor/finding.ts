/** One thing that a support engineer asks, with its answer. */
export type Finding = {
  readonly section: string;
  readonly name: string;
  readonly value: string | number | boolean | null | readonly string[];
  /** What is wrong with it, or what it leaves open; null: nothing. */
  readonly problem: Problem | null;
};

/** `fault`: the server does not start, or not as it was told; `warning`: it does, with less. */
export type Problem = { readonly kind: 'fault' | 'warning'; readonly text: string };

/** Adds answers of one section. */
export type Report = (name: string, value: Finding['value'], problem?: Problem | null) => void;

/** Collects the answers of one section; what throws is an answer too. */
export async function ask(
  section: string,
  findings: Finding[],
  look: (report: Report) => Promise<void> | void,
): Promise<void> {
  const report: Report = (name, value, problem = null) =>
    void findings.push({ section, name, value, problem });
  try {
    await look(report);
  } catch (reason) {
    const text = reason instanceof Error ? reason.message : String(reason);
    report('problem', null, { kind: 'fault', text });
  }
}

/** A fault with this text. */
export function fault(text: string): Problem {
  return { kind: 'fault', text };
}

/** A warning with this text. */
export function warning(text: string): Problem {
  return { kind: 'warning', text };
}
