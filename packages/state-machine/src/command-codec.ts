import type { Command, WriteId } from './commands.js';

/** A command with the name of its write, as read from the log. */
export interface DecodedCommand {
  readonly command: Command;
  readonly writeId: WriteId | undefined;
}

/** The bytes of one write, as they stand in a block. */
export function encodeCommand(command: Command, writeId?: WriteId): Uint8Array {
  void [command, writeId];
  throw new Error('not yet');
}

/** Reads one write; undefined when it is malformed. Data are views of `bytes`. */
export function decodeCommand(bytes: Uint8Array, offset = 0, length = bytes.length - offset): DecodedCommand | undefined {
  void [bytes, offset, length];
  throw new Error('not yet');
}
