import { create } from '@bufbuild/protobuf';
import { Code, ConnectError, type HandlerContext } from '@connectrpc/connect';
import type { ServerId, Zxid } from '@zkl/consensus';
import {
  Consistency,
  ResponseHeaderSchema,
  type ReadOptions,
  type ResponseHeader,
  type SessionRef,
  type WriteId as ProtoWriteId,
} from '@zkl/protocol';
import {
  encodeCommand,
  ERROR_CODES,
  type Command,
  type ErrorCode,
  type Result,
  type ZnodeStateMachine,
} from '@zkl/state-machine';
import { toConnectError } from '../errors/connect-error.js';
import type { Admission } from '../request/admission.js';
import type { ClusterView } from '../request/cluster-view.js';
import { deadlineOf, type GiveUp } from '../request/deadline.js';
import { rejected, type Failure } from '../request/failure.js';
import { awaitRead, type ReadPathDependencies } from '../request/read-path.js';
import { submitWrite, type WritePathDependencies, type WriteReply, type WriteRequest } from '../request/write-path.js';
import type { SessionAccess, SessionClaim } from '../session/session-access.js';
import { readWriteId } from './write-id.js';
import { zxidFromBigint, zxidToBigint } from './zxid-codec.js';

/** What every service needs of the server. */
export interface EdgeDependencies {
  readonly serverId: ServerId;
  readonly view: ClusterView;
  readonly state: ZnodeStateMachine;
  readonly admission: Admission;
  readonly writePath: WritePathDependencies;
  readonly readPath: ReadPathDependencies;
  readonly access: SessionAccess;
  readonly valueBytesMax: number;
  readonly requestTimeoutMs: number;
  /** Told of every request that ends: the method's name, its error code or OK, and how long it took. */
  readonly onRequestEnd: (method: string, code: ErrorCode | 'OK', durationMs: number) => void;
}

/** What a read weighs while it waits. */
const READ_BYTES = 1024;

/** What a write weighs on top of its bytes. */
const WRITE_BYTES = 512;

/** The way from a decoded request of any service to the request path and back: no logic of its own. */
export class Edge {
  readonly #dependencies: EdgeDependencies;

  constructor(dependencies: EdgeDependencies) {
    this.#dependencies = dependencies;
  }

  get state(): ZnodeStateMachine {
    return this.#dependencies.state;
  }

  get valueBytesMax(): number {
    return this.#dependencies.valueBytesMax;
  }

  /** 0 when none is known. */
  get leaderId(): ServerId {
    return this.#dependencies.view.leaderId;
  }

  /**
   * Sends a write through the log. `respond` makes the reply of its result, or answers undefined when that is the result of another kind of write. With
   * `session` it is in that session's name, once the secret was found right.
   */
  write<T>(
    context: HandlerContext,
    command: Command | Failure,
    id: ProtoWriteId | undefined,
    respond: (result: Result, header: ResponseHeader) => T | undefined,
    session?: SessionRef,
  ): Promise<T> {
    return this.#call(context, (end) => {
      if ('code' in command) return end(command);
      const writeId = id === undefined ? undefined : readWriteId(id);
      if (writeId !== undefined && 'code' in writeId) return end(writeId);
      const claim = session === undefined ? undefined : claimOf(session);
      if (claim !== undefined && !isSession(claim.session)) return end(NO_SESSION);
      const operation = encodeCommand(command, { writeId, session: claim?.session });
      const request = { operation, hasWriteId: writeId !== undefined, deadlineMs: this.#deadline(context) };
      return this.#admitted(operation.byteLength + WRITE_BYTES, end, (settle) => {
        const onReply = (reply: WriteReply): void => {
          if (reply.kind === 'failure') settle(reply.failure);
          else if (reply.result.kind === 'error') settle(failureOfResult(reply.result));
          else {
            const { zxid } = reply.result;
            settle(undefined, respond(reply.result, this.header(zxid)) ?? reusedWriteId(zxid));
          }
        };
        if (claim === undefined) return submitWrite(this.#dependencies.writePath, request, onReply);
        return this.#submitFor(claim, request, onReply);
      });
    });
  }

  /** As submitWrite, after the claim was found right. */
  #submitFor(claim: SessionClaim, request: WriteRequest, done: (reply: WriteReply) => void): GiveUp {
    const { access, writePath } = this.#dependencies;
    let giveUp: GiveUp | undefined;
    const stop = access.check(claim, request.deadlineMs, (verdict) => {
      if (verdict.kind === 'refused') done({ kind: 'failure', failure: verdict.failure });
      // A retry of what was applied while the session lived is to get the answer of the first time: only the log knows. Nobody can misuse a session that is no more.
      else if (verdict.kind === 'granted' || request.hasWriteId) giveUp = submitWrite(writePath, request, done);
      else done({ kind: 'failure', failure: rejected('SESSION_EXPIRED') });
    });
    return (why) => (giveUp ?? stop)(why);
  }

  /**
   * Does something that needs the proof of a session and no log. `act` is called once the claim was found right, and calls its second argument when it is done;
   * it answers with what takes it back.
   */
  withSession<T>(
    context: HandlerContext,
    session: SessionRef | undefined,
    act: (
      session: Zxid,
      timeoutMs: number,
      done: (failure: Failure | undefined, reply?: (header: ResponseHeader) => T) => void,
    ) => () => void,
  ): Promise<T> {
    return this.#call(context, (end) => {
      if (session === undefined) return end(NO_SESSION);
      const claim = claimOf(session);
      if (!isSession(claim.session)) return end(NO_SESSION);
      const deadlineMs = this.#deadline(context);
      return this.#admitted<T>(READ_BYTES, end, (settle) => {
        let timer: NodeJS.Timeout | undefined;
        let takeBack: (() => void) | undefined;
        const late = (): void => {
          takeBack?.();
          settle(this.#noLeader());
        };
        const stop = this.#dependencies.access.check(claim, deadlineMs, (verdict) => {
          if (verdict.kind === 'refused') return settle(verdict.failure);
          if (verdict.kind === 'gone') return settle(rejected('SESSION_EXPIRED'));
          timer = setTimeout(late, Math.max(1, deadlineMs - performance.now()));
          takeBack = act(claim.session, verdict.timeoutMs, (failure, reply) => {
            clearTimeout(timer);
            settle(failure, reply?.(this.header(this.#dependencies.state.appliedZxid)));
          });
          return undefined;
        });
        return (why) => {
          if (takeBack === undefined) return stop(why);
          clearTimeout(timer);
          if (why === 'deadline') return late();
          return takeBack();
        };
      });
    });
  }

  /** Serves a read once this server may. `respond` reads the state, in the very turn in which that was established. */
  read<T>(
    context: HandlerContext,
    options: ReadOptions | undefined,
    respond: (header: ResponseHeader) => T | Failure,
    invalid?: Failure,
  ): Promise<T> {
    return this.#call(context, (end) => {
      if (invalid !== undefined) return end(invalid);
      const atLeast = options?.atLeastZxid ?? 0n;
      return this.#admitted(READ_BYTES, end, (settle) =>
        awaitRead(
          this.#dependencies.readPath,
          {
            linearizable: options?.consistency !== Consistency.LOCAL,
            atLeast: atLeast === 0n ? undefined : zxidFromBigint(atLeast),
            deadlineMs: this.#deadline(context),
          },
          (failure) => {
            if (failure === undefined) settle(undefined, respond(this.header(this.#dependencies.state.appliedZxid)));
            else settle(failure);
          },
        ),
      );
    });
  }

  #deadline(context: HandlerContext): number {
    return deadlineOf(context.timeoutMs(), this.#dependencies.requestTimeoutMs);
  }

  #noLeader(): Failure {
    return rejected(this.#dependencies.writePath.quorumReachable() ? 'NO_LEADER' : 'NO_QUORUM');
  }

  /** The front of a reply that speaks for a zxid. */
  header(zxid: Zxid): ResponseHeader {
    const { view, serverId } = this.#dependencies;
    return create(ResponseHeaderSchema, {
      zxid: zxidToBigint(zxid),
      serverId,
      leaderId: view.leaderId,
      epoch: view.epoch,
    });
  }

  #admitted<T>(bytes: number, end: End<T>, begin: (settle: End<T>) => GiveUp): GiveUp | undefined {
    const { admission } = this.#dependencies;
    if (!admission.tryEnter(bytes)) return end(rejected('THROTTLED'));
    const cancel = begin((failure, reply) => {
      admission.leave(bytes);
      return end(failure, reply);
    });
    return (why) => {
      cancel(why);
      // At the deadline it was settled, and has left.
      if (why === 'cancelled') admission.leave(bytes);
    };
  }

  /** One call: a promise for Connect around what is callbacks below; given up when the caller goes away. */
  #call<T>(context: HandlerContext, begin: (end: End<T>) => GiveUp | undefined): Promise<T> {
    const startedMs = performance.now();
    const { onRequestEnd, view } = this.#dependencies;
    return new Promise<T>((resolve, reject) => {
      let ended = false;
      const onAbort = (): void => {
        if (ended) return;
        const late =
          context.signal.reason instanceof ConnectError && context.signal.reason.code === Code.DeadlineExceeded;
        giveUp?.(late ? 'deadline' : 'cancelled');
        if (ended) return;
        end({ code: 'CANCELLED', outcome: ERROR_CODES.CANCELLED.outcome, retryable: false });
      };
      const end: End<T> = (failure, reply) => {
        ended = true;
        context.signal.removeEventListener('abort', onAbort);
        const failed = failure ?? (isFailure(reply) ? reply : undefined);
        onRequestEnd(context.method.name, failed?.code ?? 'OK', performance.now() - startedMs);
        if (failed !== undefined) reject(toConnectError(failed, view.leaderId));
        else resolve(reply as T);
        return undefined;
      };
      context.signal.addEventListener('abort', onAbort, { once: true });
      const giveUp = begin(end);
    });
  }
}

/** Ends a call: with a failure, or with a reply, which may itself be a failure. Called once. */
type End<T> = (failure: Failure | undefined, reply?: T | Failure) => undefined;

function claimOf({ sessionId, secret }: SessionRef): SessionClaim {
  return { session: zxidFromBigint(sessionId), secret };
}

function isSession({ epoch, counter }: Zxid): boolean {
  return epoch > 0 && counter > 0;
}

const NO_SESSION: Failure = rejected('BAD_ARGUMENTS', { message: 'session.session_id must be given: it is above 0.' });

/** Failures are plain data; replies are messages, which carry the name of their type. */
function isFailure(reply: unknown): reply is Failure {
  return typeof reply === 'object' && reply !== null && !('$typeName' in reply) && 'code' in reply;
}

function failureOfResult(result: Extract<Result, { kind: 'error' }>): Failure {
  const { outcome, retryable } = ERROR_CODES[result.code];
  return { code: result.code, outcome, retryable, path: result.path, zxid: result.zxid };
}

function reusedWriteId(zxid: Zxid): Failure {
  return rejected('BAD_ARGUMENTS', { message: 'This write id was used before, for another kind of write.', zxid });
}
