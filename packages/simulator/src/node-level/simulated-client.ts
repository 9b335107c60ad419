import type { ServerId, Zxid } from '@zkl/consensus';
import { maxZxid, ZXID_ZERO } from '@zkl/consensus';
import { encodeCommand, type Command, type Result } from '@zkl/state-machine';
import { UNITS_PER_TICK, type EventQueue } from '../event-queue.js';
import type { Call } from '../history/record.js';
import { keyOf } from '../ledger.js';
import type { Random } from '../random.js';
import { submitRead, submitWrite, type ReadAnswer, type WriteAnswer } from './edge.js';
import type { NodeSettings } from './node-settings.js';
import { drawOperation, answeredRead, answeredWrite, type Plan } from './operation-plan.js';
import type { ServerRun } from './server-run.js';
import type { SimulatedServer } from './simulated-server.js';

export interface ClientSurroundings {
  readonly settings: NodeSettings;
  readonly queue: EventQueue;
  readonly random: Random;
  readonly servers: readonly SimulatedServer[];
  readonly history: Call[];
  onReply(server: SimulatedServer, client: string, requestId: number, result: Result): void;
  onRead(server: SimulatedServer, operation: Call, served: Zxid): void;
  onDone(client: string): void;
  violate(property: string, message: string): void;
  count(what: string): void;
}

const ATTEMPTS_MAX = 6;
const LATENCY_MAX = 40;

/**
 * A client with one call under way: a write has a name, and is sent again under it, to this server or that, until it is answered or the client loses patience. What it
 * sees is the history that the checkers judge.
 */
export class SimulatedClient {
  readonly id: string;
  readonly #around: ClientSurroundings;
  readonly #versions = new Map<string, number>();
  /** Who it is for the exactly-once table: another, once the cluster has forgotten it. */
  #name: string;
  #names = 1;
  #requestId = 0;
  #values = 0;
  #seen: Zxid = ZXID_ZERO;
  #leader: ServerId | undefined;
  #isStopped = false;
  /** Counts the calls and their attempts: an answer to an earlier one comes to nothing. */
  #call = 0;
  #attempt = 0;
  #mayBeApplied = false;
  isIdle = true;

  constructor(id: string, around: ClientSurroundings) {
    this.id = id;
    this.#name = id;
    this.#around = around;
  }

  start(): void {
    this.#isStopped = false;
    if (this.isIdle) this.#think();
  }

  /** Finishes the call under way, and makes no other. */
  stop(): void {
    this.#isStopped = true;
  }

  /** Makes this very call now: for the end of a run. */
  callNow(plan: Plan): void {
    this.#begin(plan);
  }

  #think(): void {
    const { queue, random, settings } = this.#around;
    this.isIdle = true;
    queue.after(1 + random.below(2 * settings.thinkTime), () => {
      if (this.#isStopped || !this.isIdle) return;
      this.#begin(drawOperation(random, settings, (key) => this.#versions.get(key), this.#value()));
    });
  }

  #value(): string {
    return `${this.id}.${++this.#values}`.padEnd(this.#around.settings.valueBytes, '.');
  }

  #begin(plan: Plan): void {
    this.isIdle = false;
    this.#call++;
    this.#attempt = 0;
    this.#mayBeApplied = false;
    const start = this.#around.queue.now;
    if (plan.command !== undefined) this.#requestId++;
    this.#try(plan, start);
  }

  #try(plan: Plan, start: number): void {
    const { queue, settings } = this.#around;
    const [call, attempt] = [this.#call, ++this.#attempt];
    if (attempt > ATTEMPTS_MAX) return this.#giveUp(plan, start);
    const isCurrent = (): boolean => call === this.#call && attempt === this.#attempt && !this.isIdle;
    queue.after(settings.callTimeout, () => {
      if (!isCurrent()) return;
      this.#mayBeApplied = true;
      this.#leader = undefined;
      this.#try(plan, start);
    });
    const server = this.#choose();
    if (plan.command !== undefined) this.#sendWrite(server, plan, plan.command, start, isCurrent);
    else this.#sendRead(server, plan, start, isCurrent);
  }

  #choose(): SimulatedServer {
    const { servers, random } = this.#around;
    const known = this.#leader;
    this.#leader = undefined;
    return (known === undefined ? undefined : servers[known - 1]) ?? random.pick(servers);
  }

  /** There and back again; either way may be lost with the process. */
  #exchange<A>(
    server: SimulatedServer,
    isCurrent: () => boolean,
    ask: (run: ServerRun, done: (answer: A) => void) => void,
    onAnswer: (answer: A) => void,
    onRefused: () => void,
  ): void {
    const { queue, random } = this.#around;
    const latency = (): number => 1 + random.below(LATENCY_MAX);
    queue.after(latency(), () => {
      const { run } = server;
      if (run === undefined) {
        queue.after(latency(), () => {
          if (isCurrent()) onRefused();
        });
        return;
      }
      server.whenAwake(() =>
        ask(run, (answer) => {
          // A process that ended in the middle of this very turn says nothing more.
          if (!run.isAlive) return;
          queue.after(latency(), () => {
            if (isCurrent()) onAnswer(answer);
          });
        }),
      );
    });
  }

  #sendWrite(server: SimulatedServer, plan: Plan, command: Command, start: number, isCurrent: () => boolean): void {
    const { settings } = this.#around;
    if (this.#mayBeApplied && settings.plantedBugs.has('client-retries-under-another-name')) this.#requestId++;
    const requestId = this.#requestId;
    const clientId = this.#name;
    const operation = encodeCommand(command, { writeId: { clientId, requestId, answeredThrough: requestId - 1 } });
    const ask = (run: ServerRun, done: (answer: WriteAnswer) => void): void =>
      submitWrite(run, operation, (answer) => {
        if (answer.kind === 'done' && run.isAlive) this.#around.onReply(server, clientId, requestId, answer.result);
        done(answer);
      });
    const again = (): void => this.#tryLater(plan, start);
    const onAnswer = (answer: WriteAnswer): void => {
      if (answer.kind === 'done') {
        this.#leader = server.id;
        if (isForgotten(answer.result)) return this.#beginAnew(plan, start);
        return this.#finish(plan.key, answeredWrite(this.#operationOf(plan, start), answer.result), answer.result.zxid);
      }
      if (answer.kind === 'unknown') {
        this.#mayBeApplied = true;
        if (settings.plantedBugs.has('client-takes-unknown-for-done'))
          return this.#finish(plan.key, this.#operationOf(plan, start), ZXID_ZERO);
      }
      if (answer.kind === 'redirected') this.#leader = answer.leader;
      again();
    };
    this.#exchange(server, isCurrent, ask, onAnswer, again);
  }

  /**
   * The cluster does not know this client, which says that it had answers before: its first writes were all refused before they got there. What may have been applied
   * under the old name is not sent under another.
   */
  #beginAnew(plan: Plan, start: number): void {
    this.#name = `${this.id}-${++this.#names}`;
    this.#requestId = 1;
    if (this.#mayBeApplied) this.#giveUp(plan, start);
    else this.#tryLater(plan, start);
  }

  #sendRead(server: SimulatedServer, plan: Plan, start: number, isCurrent: () => boolean): void {
    const { settings, queue } = this.#around;
    const question = { key: plan.key, consistency: plan.consistency!, atLeast: this.#seen };
    const ask = (run: ServerRun, done: (answer: ReadAnswer) => void): void =>
      submitRead(run, question, settings.plantedBugs, done);
    const again = (): void => this.#tryLater(plan, start);
    const onAnswer = (answer: ReadAnswer): void => {
      if (answer.kind === 'refused') return again();
      const operation = answeredRead({ client: this.id, start, end: queue.now }, plan, answer);
      this.#around.onRead(server, operation, answer.zxid);
      if (plan.consistency === 'atLeast' && keyOf(answer.zxid) < keyOf(question.atLeast))
        this.#around.violate('reads-at-least', `${JSON.stringify(operation)} is older than ${keyOf(question.atLeast)}`);
      this.#finish(plan.key, operation, plan.consistency === 'local' ? ZXID_ZERO : answer.zxid);
    };
    this.#exchange(server, isCurrent, ask, onAnswer, again);
  }

  #operationOf(plan: Plan, start: number): Call {
    return plan.operation({ client: this.id, start }, this.#around.queue.now);
  }

  #tryLater(plan: Plan, start: number): void {
    const { queue, random } = this.#around;
    const [call, attempt] = [this.#call, this.#attempt];
    queue.after(1 + random.below(4 * UNITS_PER_TICK), () => {
      if (call === this.#call && attempt === this.#attempt && !this.isIdle) this.#try(plan, start);
    });
  }

  #finish(key: string, operation: Call | string, zxid: Zxid): void {
    if (typeof operation === 'string')
      return this.#around.violate('exactly-once', `${this.#name}/${this.#requestId}: ${operation}`);
    this.#seen = maxZxid(this.#seen, zxid);
    if ('version' in operation && operation.version !== undefined) this.#versions.set(key, operation.version);
    if (operation.kind === 'create' && operation.refused === undefined) this.#versions.set(key, 0);
    this.#around.history.push(operation);
    this.#around.count(`client ${operation.kind}`);
    this.#done();
  }

  /** What was refused each time did not happen, and is no part of the history. */
  #giveUp(plan: Plan, start: number): void {
    const { history } = this.#around;
    this.#around.count(this.#mayBeApplied ? 'client unknown' : 'client refused');
    if (this.#mayBeApplied && plan.command !== undefined)
      history.push(plan.operation({ client: this.id, start }, undefined));
    this.#done();
  }

  #done(): void {
    this.isIdle = true;
    this.#around.onDone(this.id);
    if (!this.#isStopped) this.#think();
  }
}

function isForgotten(result: Result): boolean {
  return result.kind === 'error' && result.code === 'CLIENT_FORGOTTEN';
}
