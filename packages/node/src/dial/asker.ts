/** The one for whom a destination is dialled: a user of the server. */
export interface Asker {
  readonly id: string;
}
