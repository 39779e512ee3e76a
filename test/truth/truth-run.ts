import { spawn } from 'node:child_process';
import { createWriteStream, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { newDataDir, PROGRAM } from '../running-server.ts';

/** What a stage of a run works with. */
export interface Stage {
  /** Counts the peaks of a process and of its children as the stage's: the largest is told. */
  watch(pid: number): void;
  /** Runs a command of the built program to its end, watched. @returns its lines of JSON. @param out takes them instead. */
  program(args: readonly string[], out?: string): Promise<Record<string, unknown>[]>;
  /** Runs another program so. @returns what it wrote to stdout. */
  command(file: string, args: readonly string[], env?: Readonly<Record<string, string>>, out?: string): Promise<string>;
}

/** A run of a scenario: a folder, and stages of which each is done once. */
export interface TruthRun {
  readonly folder: string;
  readonly dataDir: string;
  /** A run of `npm run bench truth`: it tells how far it is, keeps its folder and goes on from what is there. */
  readonly isBench: boolean;
  /** Does a stage and keeps what it gives, which must be JSON; or gives what was kept. */
  stage<T>(name: string, work: (stage: Stage) => Promise<T> | T): Promise<T>;
  /** Forgets the folder, but for a bench's. */
  end(): void;
}

/** What is kept of a stage. */
interface Kept {
  readonly result?: unknown;
  readonly seconds: number;
  readonly peakMb: number;
}

/** Starts or goes on with one. TRUTH_FOLDER keeps it, under the scenario's name. */
export function truthRun(scenario: string): TruthRun {
  const kept = process.env.TRUTH_FOLDER;
  const folder = kept === undefined ? newDataDir() : join(kept, scenario);
  mkdirSync(folder, { recursive: true });
  const isBench = kept !== undefined;
  const file = join(folder, 'stages.json');
  const done: Record<string, Kept> = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
  const tell = (name: string, { seconds, peakMb }: Kept, more: string): void => {
    const peak = peakMb === 0 ? '' : `, peak ${peakMb.toLocaleString('en-US')} MB`;
    if (isBench) console.log(`${scenario} · ${name}: ${seconds.toFixed(1)} s${peak}${more}`);
  };
  return {
    folder,
    dataDir: join(folder, 'data'),
    isBench,
    async stage<T>(name: string, work: (stage: Stage) => Promise<T> | T): Promise<T> {
      const before = done[name];
      if (before !== undefined) {
        tell(name, before, ', done before');
        return before.result as T;
      }
      const memory = memoryWatch();
      const began = performance.now();
      try {
        const result = await work(stageOf(memory, isBench));
        const seconds = (performance.now() - began) / 1000;
        const now: Kept = { result, seconds, peakMb: memory.peakMb() };
        done[name] = now;
        writeFileSync(file, JSON.stringify(done, null, 1));
        tell(name, now, `, load ${loadavg()[0]?.toFixed(1)}`);
        return result;
      } finally {
        memory.end();
        // A stage that failed leaves its servers behind.
        if (done[name] === undefined) memory.pids().forEach(kill);
      }
    },
    end() {
      if (!isBench) rmSync(folder, { recursive: true, force: true });
    },
  };
}

function stageOf(memory: MemoryWatch, isBench: boolean): Stage {
  const command: Stage['command'] = (file, args, env = {}, out) =>
    new Promise((resolve, reject) => {
      // Its own progress goes to whoever waits for the bench; a test keeps it for its message.
      const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
      memory.watch(child.pid ?? 0);
      let [stdout, stderr] = ['', ''];
      if (out === undefined) {
        child.stdout.setEncoding('utf8').on('data', (text) => {
          stdout += text;
        });
      } else child.stdout.pipe(createWriteStream(out));
      child.stderr.setEncoding('utf8').on('data', (text) => {
        stderr = `${stderr}${text}`.slice(-8000);
        if (isBench) process.stderr.write(text);
      });
      child.on('error', reject);
      child.on('close', (code) => {
        if (code === 0) resolve(stdout);
        else reject(new Error(`${[file, ...args].join(' ')} ended with ${code}: ${stdout.slice(-2000)}${stderr}`));
      });
    });
  return {
    watch: memory.watch,
    command,
    async program(args, out) {
      const text = await command(process.execPath, [PROGRAM, ...args], {}, out);
      return text
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as Record<string, unknown>);
    },
  };
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself.
  }
}

interface MemoryWatch {
  watch(pid: number): void;
  /** The most that one of the processes had. */
  peakMb(): number;
  /** Those that are still there. */
  pids(): readonly number[];
  /** Looks a last time. */
  end(): void;
}

/** Linux says the peak itself, for as long as the process lives, and who its children are; elsewhere there is none. */
function memoryWatch(): MemoryWatch {
  const pids = new Set<number>();
  let peakKb = 0;
  const look = (): void => {
    for (const pid of pids) {
      try {
        const status = readFileSync(`/proc/${pid}/status`, 'utf8');
        peakKb = Math.max(peakKb, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0));
        const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
        for (const child of children.split(' ').filter(Boolean)) pids.add(Number(child));
      } catch {
        pids.delete(pid);
      }
    }
  };
  const timer = setInterval(look, 500);
  return {
    watch: (pid) => void pids.add(pid),
    peakMb: () => Math.round(peakKb / 1024),
    pids: () => [...pids],
    end() {
      clearInterval(timer);
      look();
    },
  };
}
