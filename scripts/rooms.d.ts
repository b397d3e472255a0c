/** What each room may import; a name that ends in `*` stands for all that begin so. */
export type Rooms = Readonly<Record<string, readonly string[]>>;
export function readRooms(): Rooms;
export function sourceFiles(): Map<string, string>;
export function checkRooms(rooms: Rooms, files: ReadonlyMap<string, string>): string[];
export function tableOf(rooms: Rooms): string;
