import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { describe, expect, it } from 'vitest';
import { examplePayment } from '../payment-example.ts';
import { readTable, runProgram, sentinela } from '../running-program.ts';
import { newDataDir, PROGRAM, startServer } from '../running-server.ts';

const HAS_IPV6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1'));

function paymentOf(number: number): Record<string, unknown> {
  return examplePayment({ endToEndId: `E12345678202611011200${String(number).padStart(11, '0')}` });
}

describe('a server’s life', () => {
  it('a second start on the same folder names the process that has it', async () => {
    const server = await startServer();
    const { status, stderr } = runProgram([
      'serve',
      '--data-dir',
      server.dataDir,
      '--http-port',
      '0',
      '--grpc-port',
      '0',
    ]);
    expect(status).toBe(3);
    expect(stderr).toContain(`in use by process ${server.pid}`);
    const imported = runProgram(['import', 'package.json', '--data-dir', server.dataDir]);
    expect(imported.status).toBe(3);
    expect(await server.stop()).toBe(0);
    rmSync(server.dataDir, { recursive: true });
  });

  it('a start on a port that is taken ends, and leaves the folder to the next one', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const { port } = taken.address() as AddressInfo;
    const dataDir = newDataDir();
    for (const way of ['--http-port', '--grpc-port']) {
      const ports = { '--http-port': '0', '--grpc-port': '0', [way]: String(port) };
      const { status, stderr } = runProgram(['serve', '--data-dir', dataDir, ...Object.entries(ports).flat()]);
      expect(stderr).toContain(`cannot listen on 127.0.0.1:${port}: is another process there? (locked)`);
      expect(status).toBe(3);
    }
    taken.close();
    const server = await startServer({ dataDir });
    expect(await server.stop()).toBe(0);
    rmSync(dataDir, { recursive: true });
  });

  it('a start on a host that is none of this machine says so', () => {
    const dataDir = newDataDir();
    const args = ['serve', '--data-dir', dataDir, '--http-port', '0', '--grpc-port', '0'];
    const { status, stderr } = runProgram([...args, '--host', '192.0.2.1']);
    expect(stderr).toMatch(/HTTP cannot listen on 192\.0\.2\.1:0: .*EADDRNOTAVAIL.* \(invalid_config\)/);
    expect(status).toBe(2);
    rmSync(dataDir, { recursive: true });
  });

  it.skipIf(!HAS_IPV6)('serves on an IPv6 address, and prints it as URLs have it', async () => {
    const dataDir = newDataDir();
    const args = ['serve', '--data-dir', dataDir, '--host', '::1', '--http-port', '0', '--grpc-port', '0'];
    const child = spawn(process.execPath, [PROGRAM, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
    let printed = '';
    for await (const chunk of child.stdout) {
      printed += chunk;
      if (printed.includes('/docs')) break;
    }
    expect(printed).toMatch(/on http:\/\/\[::1\]:\d+ and gRPC \[::1\]:\d+ /);
    const docs = /docs: (\S+)\/docs/.exec(printed)?.[1];
    expect((await fetch(`${docs}/health/ready`)).status).toBe(200);
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
    rmSync(dataDir, { recursive: true });
  });

  it('SIGTERM answers what is under way, and everything that was answered is in bronze', async () => {
    const server = await startServer();
    let sent = 0;
    const answered = new Set<string>();
    const refused: number[] = [];
    let stopping = false;
    const lanes = Array.from({ length: 8 }, async () => {
      while (!stopping) {
        sent += 1;
        const payment = paymentOf(sent);
        try {
          const response = await server.post('/v1/score', payment);
          await response.text();
          if (response.status === 200) answered.add(String(payment.endToEndId));
          else refused.push(response.status);
        } catch {
          return;
        }
      }
    });
    await expect.poll(() => answered.size, { timeout: 20_000 }).toBeGreaterThan(50);
    const code = await server.stop('SIGTERM');
    stopping = true;
    await Promise.all(lanes);
    expect(code).toBe(0);
    expect(refused.filter((status) => status !== 503)).toEqual([]);
    const bronze = readTable(server.dataDir, 'bronze/decisions', 'end_to_end_id').map((row) =>
      String(row.end_to_end_id),
    );
    expect(new Set(bronze).size).toBe(bronze.length);
    expect([...answered].filter((id) => !bronze.includes(id))).toEqual([]);
    rmSync(server.dataDir, { recursive: true });
  });

  it('bronze is at most 5 s behind when nothing happens', async () => {
    const server = await startServer();
    for (let number = 1; number <= 20; number += 1) await (await server.post('/v1/score', paymentOf(number))).text();
    const told = Date.now();
    await expect
      .poll(() => readTable(server.dataDir, 'bronze/decisions', 'end_to_end_id').length, {
        timeout: 15_000,
        interval: 300,
      })
      .toBe(20);
    console.log(`bronze had them ${Date.now() - told} ms after the last answer`);
    expect(await server.stop()).toBe(0);
    rmSync(server.dataDir, { recursive: true });
  });

  it('answers from the lake once no journal holds a decision, and repeats still get their first answer', async () => {
    const first = await startServer();
    const body = await (await first.post('/v1/score', paymentOf(1))).text();
    expect(await first.stop()).toBe(0);
    sentinela('job', 'run', 'bronze-to-silver', '--data-dir', first.dataDir, '--json');
    rmSync(`${first.dataDir}/journal`, { recursive: true });
    const second = await startServer({ dataDir: first.dataDir, args: ['--deadline-ms', '5000'] });
    const again = await second.post('/v1/score', paymentOf(1));
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    expect(await again.text()).toBe(body);
    const shown = (await (await fetch(`${second.url}/v1/decisions/${paymentOf(1).endToEndId}/PAYER`)).json()) as {
      decision: unknown;
      features: unknown[];
    };
    expect(shown.decision).toEqual(JSON.parse(body));
    expect(shown.features.length).toBeGreaterThanOrEqual(40);
    expect(await second.stop()).toBe(0);
    rmSync(first.dataDir, { recursive: true });
  });

  it('starts from its snapshot, and without one that is damaged', async () => {
    const first = await startServer();
    const body = await (await first.post('/v1/score', paymentOf(1))).text();
    expect(await first.stop()).toBe(0);
    const name = readdirSync(`${first.dataDir}/state/main`).find((file) => file.endsWith('.snapshot'));
    const snapshot = `${first.dataDir}/state/main/${name}`;
    const second = await startServer({ dataDir: first.dataDir });
    expect(second.log()).toContain('"snapshot":true');
    const again = await second.post('/v1/score', paymentOf(1));
    expect([again.headers.get('idempotent-replayed'), await again.text()]).toEqual(['true', body]);
    expect(await second.stop()).toBe(0);
    const bytes = readFileSync(snapshot);
    bytes[bytes.length - 9] = (bytes[bytes.length - 9] ?? 0) ^ 1;
    writeFileSync(snapshot, bytes);
    const third = await startServer({ dataDir: first.dataDir });
    expect(third.log()).toContain('is damaged');
    expect(await (await third.post('/v1/score', paymentOf(1))).text()).toBe(body);
    expect(await third.stop()).toBe(0);
    rmSync(first.dataDir, { recursive: true });
  });

  it('writes nothing outside its data folder', async () => {
    const elsewhere = newDataDir();
    const env = { HOME: elsewhere, XDG_CACHE_HOME: elsewhere, TMPDIR: elsewhere };
    const server = await startServer({ dataDir: newDataDir(), env });
    await (await server.post('/v1/score', paymentOf(1))).text();
    expect(await server.stop()).toBe(0);
    expect(readdirSync(elsewhere)).toEqual([]);
    rmSync(server.dataDir, { recursive: true });
    rmSync(elsewhere, { recursive: true });
  });

  it('writes files that only their owner can read', async () => {
    const server = await startServer();
    await (await server.post('/v1/score', paymentOf(1))).text();
    expect(await server.stop()).toBe(0);
    expect(statSync(`${server.dataDir}/journal/main/0000000000000001.journal`).mode & 0o777).toBe(0o600);
    expect(statSync(`${server.dataDir}/lake/bronze/decisions/_delta_log/00000000000000000000.json`).mode & 0o777).toBe(
      0o600,
    );
    rmSync(server.dataDir, { recursive: true });
  });
});

describe('the command line', () => {
  it('shows help with examples, and errors with the near name and an exit code', () => {
    expect(runProgram(['simulate', '--help']).stdout).toContain('Examples:');
    expect(runProgram(['--version'])).toMatchObject({ status: 0 });
    expect(runProgram(['serv'])).toMatchObject({ status: 2 });
    expect(runProgram(['job', 'run', 'bronze-to-silvr']).stderr).toContain('did you mean bronze-to-silver?');
    expect(runProgram(['features', 'show', 'payer_count_24']).stderr).toContain('payer_count_24h');
    expect(runProgram(['table', 'show', '--path', '/nowhere/at/all']).status).toBe(4);
    const unknown = runProgram(['config', 'show'], { SENTINELA_HTP_PORT: '1' });
    expect(unknown).toMatchObject({ status: 2 });
    expect(unknown.stderr).toContain('did you mean SENTINELA_HTTP_PORT?');
  });

  it('says where each setting came from and hides secrets', () => {
    const { stdout } = runProgram(['config', 'show', '--json'], { SENTINELA_REDIS_URL: 'redis://:secret@127.0.0.1:1' });
    const { settings } = JSON.parse(stdout) as { settings: { name: string; value: unknown; source: string }[] };
    expect(settings.find(({ name }) => name === 'redisUrl')).toMatchObject({
      value: '(hidden)',
      source: 'environment',
    });
    expect(settings.find(({ name }) => name === 'host')).toMatchObject({ value: '127.0.0.1', source: 'default' });
    expect(stdout).not.toContain('secret');
  });

  it('lists models and features as JSON', () => {
    expect(sentinela('features', 'list', '--json').length).toBeGreaterThanOrEqual(40);
    const [champion] = sentinela('model', 'list', '--json');
    expect(champion).toMatchObject({ alias: 'champion', sha256: expect.stringMatching(/^[0-9a-f]{64}$/) });
  });

  it('simulates the same bytes from the same seed', () => {
    const folder = newDataDir();
    for (const name of ['a', 'b'])
      sentinela(
        'simulate',
        '--count',
        '500',
        '--seed',
        '5',
        '--late',
        '0.1',
        '--malformed',
        '0.1',
        '--out',
        `${folder}/${name}.ndjson`,
        '--json',
      );
    expect(readFileSync(`${folder}/a.ndjson`).equals(readFileSync(`${folder}/b.ndjson`))).toBe(true);
    expect(
      readFileSync(`${folder}/a.ndjson.labels.ndjson`).equals(readFileSync(`${folder}/b.ndjson.labels.ndjson`)),
    ).toBe(true);
    rmSync(folder, { recursive: true });
  });
});
