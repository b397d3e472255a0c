/** What a person types and pastes, in that order: the clipboard gives its text later than a key. */
export class InOrder {
  /** What is to be done; the first one waits if it has no `act` yet. */
  #turns = [];

  /** Calls `act` once everything before it is done: now, if nothing waits. */
  do(act) {
    this.#turns.push({ act });
    this.#go();
  }

  /** The same with what `coming` gives; what is added meanwhile comes after it. Rejects as `coming` does, and then nothing is done. */
  async doWith(coming, act) {
    const turn = {};
    this.#turns.push(turn);
    try {
      const value = await coming;
      turn.act = () => act(value);
    } catch (error) {
      turn.act = () => {};
      throw error;
    } finally {
      this.#go();
    }
  }

  #go() {
    while (this.#turns[0]?.act) this.#turns.shift().act();
  }
}
