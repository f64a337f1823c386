import type { PagePrompt, ToWorker } from './messages.ts';
import type { StageGesture } from './stage.ts';
import { addObject, addProblem, liveObjects, nextObjectId, type State } from './state.ts';

/** Most objects that a word finds. */
const maxFound = 8;

/**
 * Turns what the user does into prompts and keeps account of them: which object they are for, what
 * is not answered yet, and what undo takes back. Changes the state; drawing is the caller's.
 */
export class Prompter {
  readonly #state: State;
  readonly #tell: (message: ToWorker) => void;
  /** Prompts that are not answered yet, by request. */
  readonly #asked = new Map<number, PagePrompt>();
  #lastRequestId = 0;

  constructor(state: State, tell: (message: ToWorker) => void) {
    this.#state = state;
    this.#tell = tell;
  }

  /** A gesture on the picture: refines the selected object, or makes a new one. */
  act(gesture: StageGesture): void {
    const state = this.#state;
    if (state.source === null) return;
    const selected = state.selected === null ? undefined : state.objects.get(state.selected);
    const isNew = selected === undefined || selected.removed;
    if (gesture.kind === 'click' && gesture.negative && isNew) {
      addProblem(state, 'Choose an object to refine before saying what is not part of it.');
      return;
    }
    const objectId = isNew ? nextObjectId(state) : selected.id;
    const base = { ...this.#empty(objectId), action: isNew ? 'add' : 'refine' } as const;
    if (gesture.kind === 'box') this.#send({ ...base, box: gesture.box });
    else if (gesture.kind === 'brush') this.#send({ ...base, mask: gesture.mask });
    else this.#send({ ...base, points: [{ ...gesture.point, positive: !gesture.negative }] });
  }

  /** Looks for what a word names. */
  find(phrase: string): void {
    const text = { phrase, maxObjects: maxFound };
    const objectId = nextObjectId(this.#state);
    this.#state.lastReservedId = objectId + maxFound - 1;
    this.#send({ ...this.#empty(objectId), text });
  }

  /** Ends an object. */
  remove(id: number): void {
    const state = this.#state;
    const object = state.objects.get(id);
    if (object === undefined) return;
    object.removed = true;
    if (state.selected === id) state.selected = null;
    this.#send({ ...this.#empty(id), action: 'remove', frameIndex: null });
  }

  /**
   * Takes back the newest prompt of the selected object, or of the newest one: of one that made the
   * object, the object goes; else what is left of its prompts stands again.
   */
  undo(): void {
    const objects = liveObjects(this.#state).filter(({ prompts }) => prompts.length > 0);
    const object = objects.find(({ id }) => id === this.#state.selected) ?? objects.at(-1);
    const undone = object?.prompts.pop();
    if (object === undefined || undone === undefined) return;
    const rest = object.prompts.splice(0);
    const [first] = rest;
    if (first === undefined) {
      this.remove(object.id);
      return;
    }
    const points = rest.flatMap((prompt) => prompt.points);
    const { frameIndex } = undone;
    this.#send({ ...first, action: 'replace', frameIndex, points });
  }

  /** A prompt was taken, for these objects. */
  acknowledge(requestId: number, objectIds: readonly number[]): void {
    const prompt = this.#take(requestId);
    if (prompt === undefined) return;
    if (prompt.text !== null && objectIds.length === 0) {
      const isOver = this.#state.source?.kind === 'image';
      const said = isOver ? 'Nothing was found' : 'Nothing was found yet';
      addProblem(this.#state, `${said} for "${prompt.text.phrase}".`);
    }
    for (const id of objectIds) {
      const object = this.#state.objects.get(id) ?? addObject(this.#state, id);
      if (prompt.action !== 'remove') object.prompts.push(prompt);
    }
  }

  /** A prompt was refused; an object that it would have made goes. */
  refuse(requestId: number, message: string): void {
    const prompt = this.#take(requestId);
    addProblem(this.#state, message);
    if (prompt?.action !== 'add') return;
    this.#state.objects.delete(prompt.objectId);
    if (this.#state.selected === prompt.objectId) this.#state.selected = null;
  }

  #send(prompt: PagePrompt): void {
    const requestId = ++this.#lastRequestId;
    this.#asked.set(requestId, prompt);
    if (prompt.text === null && prompt.action === 'add') {
      addObject(this.#state, prompt.objectId);
      this.#state.selected = prompt.objectId;
    }
    this.#tell({ kind: 'prompt', requestId, prompt });
  }

  #take(requestId: number): PagePrompt | undefined {
    const prompt = this.#asked.get(requestId);
    this.#asked.delete(requestId);
    return prompt;
  }

  /** A prompt that says nothing yet, for the frame that the user sees. */
  #empty(objectId: number): PagePrompt {
    return {
      objectId,
      action: 'add',
      frameIndex: this.#state.source?.kind === 'image' ? null : this.#state.shown,
      points: [],
      box: null,
      mask: null,
      text: null,
      label: null,
    };
  }
}
