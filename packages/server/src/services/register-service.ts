import { create } from '@bufbuild/protobuf';
import type { ServiceImpl } from '@connectrpc/connect';
import { GuessResponseSchema, ReadResponseSchema, WriteResponseSchema, type RegisterService } from '@zkl/protocol';
import type { Edge } from './edge.js';
import { checked, valueFailure } from './request-checks.js';
import { zxidToBigint } from './zxid-codec.js';

/** RegisterService: one value that is written, read and guessed. */
export function registerService(edge: Edge): ServiceImpl<typeof RegisterService> {
  return {
    write: ({ value, writeId }, context) =>
      edge.write(
        context,
        checked([valueFailure(value, edge.valueBytesMax, undefined)], { kind: 'registerWrite', value }),
        writeId,
        (result, header) =>
          result.kind === 'registerWritten'
            ? create(WriteResponseSchema, { header, version: result.version })
            : undefined,
      ),
    guess: ({ value, writeId }, context) =>
      edge.write(
        context,
        checked([valueFailure(value, edge.valueBytesMax, undefined)], { kind: 'registerGuess', value }),
        writeId,
        (result, header) =>
          result.kind === 'guessed'
            ? create(GuessResponseSchema, {
                header,
                matched: result.matched,
                leaderId: result.leader,
                version: result.version,
              })
            : undefined,
      ),
    read: ({ read }, context) =>
      edge.read(context, read, (header) => {
        const register = edge.state.register();
        const reply = create(ReadResponseSchema, {
          header,
          version: register.version,
          mzxid: zxidToBigint(register.mzxid),
          guesses: BigInt(register.guesses),
          hits: BigInt(register.hits),
        });
        if (register.value !== undefined) reply.value = register.value;
        return reply;
      }),
  };
}
