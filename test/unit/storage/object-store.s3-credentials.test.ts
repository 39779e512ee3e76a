import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { manualClock, systemClock } from '../../../src/base/clock.ts';
import { credentialChain, renewedCredentials } from '../../../src/storage/store/s3/aws-credentials.ts';
import { type Environment, parseIni } from '../../../src/storage/store/s3/aws-environment.ts';
import { httpExchange } from '../../../src/storage/store/s3/http-exchange.ts';
import { s3ObjectStore } from '../../../src/storage/store/s3-object-store.ts';
import { FAULTS, refusal, startScriptedS3 } from './object-store-scripted-s3.ts';

const root = mkdtempSync(join(tmpdir(), 'sentinela-aws-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const file = (name: string, text: string): string => {
  const path = join(mkdtempSync(join(root, 'f-')), name);
  writeFileSync(path, text);
  return path;
};
const SECRET = 'sec/ret+#1';

/** The services that hand out credentials, all on one port. */
let server: Server;
let origin: string;
let asked: string[];
let answers: Record<string, (request: IncomingMessage, body: string) => [status: number, body: string]>;
beforeEach(async () => {
  asked = [];
  answers = {};
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (piece) => {
      body += piece;
    });
    request.on('end', () => {
      const name = `${request.method} ${request.url}`;
      asked.push(name);
      const [status, text] = answers[name]?.(request, body) ?? [404, ''];
      response.writeHead(status).end(text);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  origin = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
});
afterEach(() => void server.close());

const json = (id: string, more = {}): string =>
  JSON.stringify({
    AccessKeyId: id,
    SecretAccessKey: SECRET,
    Token: 'tok',
    Expiration: '2030-01-01T00:00:00Z',
    ...more,
  });
const find = (environment: Environment) =>
  credentialChain({
    environment: { HOME: join(root, 'nobody'), AWS_EC2_METADATA_DISABLED: 'true', ...environment },
    clock: systemClock(),
    exchange: httpExchange(),
    region: async () => 'us-east-1',
  }).get();

const KEYS = { AWS_ACCESS_KEY_ID: 'of-env', AWS_SECRET_ACCESS_KEY: SECRET };
const webIdentity = (): Environment => {
  answers['POST /'] = (_, body) => {
    const form = new URLSearchParams(body);
    if (form.get('WebIdentityToken') !== 'a.b.c' || form.get('RoleArn') !== 'arn:aws:iam::1:role/r') {
      return [
        400,
        '<ErrorResponse><Error><Code>InvalidIdentityToken</Code><Message>a.b.c</Message></Error></ErrorResponse>',
      ];
    }
    return [
      200,
      `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult>
      <Credentials><AccessKeyId>of-sts</AccessKeyId><SecretAccessKey>${SECRET}</SecretAccessKey><SessionToken>tok</SessionToken>
      <Expiration>2030-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`,
    ];
  };
  return {
    AWS_WEB_IDENTITY_TOKEN_FILE: file('token', 'a.b.c\n'),
    AWS_ROLE_ARN: 'arn:aws:iam::1:role/r',
    AWS_ENDPOINT_URL_STS: origin,
  };
};
const sharedFiles = (): Environment => ({
  AWS_SHARED_CREDENTIALS_FILE: file(
    'credentials',
    `[default]\naws_access_key_id = of-file\naws_secret_access_key=${SECRET}\n`,
  ),
});
const container = (): Environment => {
  answers['GET /creds?x=1'] = ({ headers }) =>
    headers.authorization === 'pod token' ? [200, json('of-pod')] : [401, ''];
  return {
    AWS_CONTAINER_CREDENTIALS_FULL_URI: `${origin}/creds?x=1`,
    AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: file('pod', 'pod token\n'),
    AWS_CONTAINER_AUTHORIZATION_TOKEN: 'not this one',
  };
};
const instance = (): Environment => {
  answers['PUT /latest/api/token'] = ({ headers }) => [
    headers['x-aws-ec2-metadata-token-ttl-seconds'] ? 200 : 400,
    'imds',
  ];
  const withToken =
    (text: string) =>
    (request: IncomingMessage): [number, string] =>
      request.headers['x-aws-ec2-metadata-token'] === 'imds' ? [200, text] : [401, ''];
  answers['GET /latest/meta-data/iam/security-credentials/'] = withToken('the-role\n');
  answers['GET /latest/meta-data/iam/security-credentials/the-role'] = withToken(json('of-ec2', { Code: 'Success' }));
  return { AWS_EC2_METADATA_DISABLED: 'false', AWS_EC2_METADATA_SERVICE_ENDPOINT: `${origin}/` };
};

describe('the chain of AWS credentials', () => {
  it('takes the first that is set up, in the usual order', async () => {
    const all = { ...KEYS, ...webIdentity(), ...sharedFiles(), ...container(), ...instance() };
    const order: [string, string[]][] = [
      ['of-env', ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']],
      ['of-sts', ['AWS_WEB_IDENTITY_TOKEN_FILE']],
      ['of-file', ['AWS_SHARED_CREDENTIALS_FILE']],
      ['of-pod', ['AWS_CONTAINER_CREDENTIALS_FULL_URI']],
      ['of-ec2', []],
    ];
    let environment: Environment = all;
    for (const [accessKeyId, names] of order) {
      expect(await find(environment)).toMatchObject({ accessKeyId, secretAccessKey: SECRET });
      environment = { ...environment, ...Object.fromEntries(names.map((name) => [name, ''])) };
    }
  });

  it('reads a session, and when it ends', async () => {
    expect(await find({ ...KEYS, AWS_SESSION_TOKEN: 'tok' })).toEqual({
      accessKeyId: 'of-env',
      secretAccessKey: SECRET,
      sessionToken: 'tok',
    });
    const ends = { sessionToken: 'tok', expiresMs: Date.UTC(2030, 0, 1) };
    expect(await find(webIdentity())).toMatchObject(ends);
    expect(await find(container())).toMatchObject(ends);
    expect(await find(instance())).toMatchObject(ends);
  });

  it('reads the profile that AWS_PROFILE names, in both files', async () => {
    const home = join(root, 'home');
    mkdirSync(join(home, '.aws'), { recursive: true });
    writeFileSync(join(home, '.aws/config'), '[profile  work]\nregion = sa-east-1\naws_access_key_id = of-config\n');
    writeFileSync(join(home, '.aws/credentials'), '[work]\naws_access_key_id = of-work\naws_secret_access_key = s\n');
    expect(await find({ HOME: home, AWS_PROFILE: 'work' })).toMatchObject({ accessKeyId: 'of-work' });
    await expect(find({ HOME: home, AWS_PROFILE: 'play' })).rejects.toThrow(/AWS_PROFILE is play, which/);
    await expect(find({ HOME: home })).rejects.toMatchObject({ code: 'storage_denied' });
  });

  it.each([
    ['half of a pair', { AWS_ACCESS_KEY_ID: 'x' }, /has one; set the id and the secret/],
    ['a token without a role', { AWS_WEB_IDENTITY_TOKEN_FILE: '/x' }, /without AWS_ROLE_ARN/],
    [
      'a token that is not there',
      { AWS_WEB_IDENTITY_TOKEN_FILE: '/x', AWS_ROLE_ARN: 'r' },
      /cannot be read \(ENOENT\)/,
    ],
    ['keys in the clear', { AWS_CONTAINER_CREDENTIALS_FULL_URI: 'http://example.com/x' }, /must be https/],
    ['a service by no URL', { AWS_EC2_METADATA_DISABLED: '', AWS_EC2_METADATA_SERVICE_ENDPOINT: 'x' }, /must be a URL/],
    ['nothing at all', {}, /There are no AWS credentials: set/],
  ])('is refused for %s', async (_, environment: Environment, message) => {
    await expect(find(environment)).rejects.toThrow(message);
  });

  it('is refused for a profile that needs a program', async () => {
    const environment = { AWS_CONFIG_FILE: file('config', '[default]\ncredential_process = /bin/x\n') };
    await expect(find(environment)).rejects.toThrow(/by credential_process, which is not supported/);
  });

  it('takes a web identity from a profile', async () => {
    const { AWS_WEB_IDENTITY_TOKEN_FILE: path, ...environment } = webIdentity();
    const config = `[default]\nrole_arn = arn:aws:iam::1:role/r\nweb_identity_token_file = ${path}\n`;
    expect(await find({ ...environment, AWS_CONFIG_FILE: file('config', config) })).toMatchObject({
      accessKeyId: 'of-sts',
    });
  });

  it('tells no secret that a service has answered or was sent', async () => {
    answers['GET /creds?x=1'] = () => [200, `not json ${SECRET}`];
    const pod = { AWS_CONTAINER_CREDENTIALS_FULL_URI: `${origin}/creds?x=1` };
    const refused = { ...webIdentity(), AWS_ROLE_ARN: 'arn:other' };
    for (const environment of [pod, refused]) {
      const error = (await find(environment).catch((reason: unknown) => reason)) as Error;
      expect(error).toMatchObject({ code: 'storage_denied' });
      expect(`${error.stack} ${String(error.cause)}`).not.toMatch(/sec\/ret|a\.b\.c/);
    }
  });

  it('asks a service again that fails', async () => {
    const environment = container();
    const answer = answers['GET /creds?x=1'];
    answers['GET /creds?x=1'] = (...request) => (asked.length < 3 ? [500, ''] : (answer?.(...request) ?? [404, '']));
    expect(await find(environment)).toMatchObject({ accessKeyId: 'of-pod' });
  });

  it('finds nothing on an instance without a role', async () => {
    const environment = instance();
    delete answers['GET /latest/meta-data/iam/security-credentials/'];
    await expect(find(environment)).rejects.toThrow(/There are no AWS credentials/);
    expect(asked).toHaveLength(2);
  });
});

describe('credentials that end', () => {
  it('are renewed five minutes before, once for many, and kept to their end when that fails', async () => {
    const clock = manualClock(0);
    const minute = 60_000_000;
    let found = 0;
    let fails = false;
    const source = renewedCredentials(clock, async () => {
      found += 1;
      if (fails) throw new Error('no service');
      return { accessKeyId: `${found}`, secretAccessKey: 's', expiresMs: clock.nowMicros() / 1000 + 60 * 60_000 };
    });
    const ids = await Promise.all(Array.from({ length: 5 }, async () => (await source.get()).accessKeyId));
    expect(ids).toEqual(['1', '1', '1', '1', '1']);
    clock.advanceTo(54 * minute);
    expect((await source.get()).accessKeyId).toBe('1');
    fails = true;
    clock.advanceTo(56 * minute);
    expect((await source.get()).accessKeyId).toBe('1');
    fails = false;
    expect((await source.get()).accessKeyId).toBe('3');
    fails = true;
    clock.advanceTo(200 * minute);
    await expect(source.get()).rejects.toThrow('no service');
  });

  it('are looked for anew when the store says that they have ended', async () => {
    const s3 = await startScriptedS3();
    const environment = { ...container(), AWS_ENDPOINT_URL_S3: s3.endpoint, AWS_ENDPOINT_URL: 'http://127.0.0.1:1' };
    const store = s3ObjectStore({ bucket: 'lake', clock: systemClock(), environment, retry: { baseDelayMs: 1 } });
    s3.faults.push(FAULTS.answer(refusal(400, 'ExpiredToken')));
    expect(await store.get('k')).toBeUndefined();
    expect(asked).toEqual(['GET /creds?x=1', 'GET /creds?x=1']);
    s3.stop();
  });
});

describe('the place of a bucket', () => {
  it.each([
    [{ AWS_REGION: 'sa-east-1', AWS_DEFAULT_REGION: 'eu-west-1' }, 'sa-east-1'],
    [{ AWS_DEFAULT_REGION: 'eu-west-1' }, 'eu-west-1'],
    [{}, 'ap-south-1'],
    [{ AWS_CONFIG_FILE: '/dev/null' }, 'us-east-1'],
  ])('takes the region of %j', async (more, region) => {
    const s3 = await startScriptedS3();
    const config = file('config', '[default]\nregion=ap-south-1\n');
    const environment = { ...KEYS, AWS_CONFIG_FILE: config, AWS_ENDPOINT_URL: s3.endpoint, ...more };
    await s3ObjectStore({ bucket: 'lake', clock: systemClock(), environment }).get('k');
    expect(s3.seen[0]?.headers.authorization).toContain(`/${region}/s3/aws4_request`);
    s3.stop();
  });
});

describe('an ini file of AWS', () => {
  it('has sections, settings and comments', () => {
    const text = '# x\n[a]\nk = v # no\nkey=v#1\r\n;z = 1\n  nested = 1\nnothing\n[b]\n[a]\nm=\n';
    expect(Object.fromEntries(parseIni(text))).toEqual({ a: { k: 'v', key: 'v#1', m: '' }, b: {} });
  });
});
