// Installs Spark with Delta's own library in .cache/spark, once: the tests hold our tables against it.
// PySpark comes from PyPI, Delta from Maven Central; the LogStore of clients/spark-log-store is compiled against them.

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const PYSPARK = '4.2.0';
const DELTA = '4.4.0';
/** What its functions over Arrow need; of pandas 3 it knows nothing yet. */
const ARROW = ['pyarrow==26.0.1', 'pandas==2.3.3'];
/** Delta's library is built for one minor version of Spark. */
const ARTIFACT = 'delta-spark_4.2_2.13';

const POM = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>sentinela</groupId><artifactId>spark-for-tests</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>io.delta</groupId><artifactId>${ARTIFACT}</artifactId><version>${DELTA}</version></dependency>
  </dependencies>
</project>
`;

const LOG_STORE = 'sentinela/spark/LinkLogStore.java';

/**
 * Installs it where it is missing, anew where the machine has another minor version of Python, and compiles our LogStore where its source, Spark or Delta changed.
 *
 * @param root the repository.
 * @param tools `run`, which gives whether a program succeeded, `has`, `fail` and `pythonVersion`.
 */
export function setupSpark(root, tools) {
  installSpark(root, tools);
  installArrow(root, tools);
  compileLogStore(root, tools);
}

function installSpark(root, { run, has, fail, pythonVersion }) {
  const folder = join(root, '.cache/spark');
  const stamp = join(folder, 'version');
  // Packages lie in a folder of the Python that installed them, where no other one looks.
  const wanted = `${PYSPARK} ${DELTA} python${pythonVersion()}`;
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  console.error('setup: installing Spark and Delta Lake into .cache/spark (500 MB, two minutes, once)');
  if (!has('java', ['-version']))
    fail('Java 17 or newer is needed by the tests. Install a JDK and run the tests again.');
  if (!has('mvn')) fail('Maven is needed by the tests. Install maven and run the tests again.');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'pom.xml'), POM);
  const python = join(folder, 'venv/bin/python');
  const done =
    run('python3', ['-m', 'venv', join(folder, 'venv')]) &&
    run(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', `pyspark==${PYSPARK}`]) &&
    run('mvn', [
      ...['--quiet', '--batch-mode', '--file', join(folder, 'pom.xml'), 'dependency:copy-dependencies'],
      ...[`-DoutputDirectory=${join(folder, 'jars')}`, '-DincludeGroupIds=io.delta,io.unitycatalog'],
    ]);
  if (!done) fail('Spark could not be installed: see the lines above (are PyPI and Maven Central reachable?).');
  writeFileSync(stamp, wanted);
}

function installArrow(root, { run, fail }) {
  const folder = join(root, '.cache/spark');
  const stamp = join(folder, 'arrow');
  const wanted = ARROW.join(' ');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  console.error('setup: installing pyarrow and pandas beside Spark (half a minute, once)');
  const done = run(join(folder, 'venv/bin/python'), [
    ...['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check'],
    ...ARROW,
  ]);
  if (!done) fail('pyarrow could not be installed beside Spark: see the lines above (is PyPI reachable?).');
  writeFileSync(stamp, wanted);
}

function compileLogStore(root, { run, has, fail }) {
  const folder = join(root, '.cache/spark/log-store');
  const sources = join(root, 'clients/spark-log-store');
  const stamp = join(folder, 'source.sha256');
  const source = readFileSync(join(sources, LOG_STORE));
  const wanted = createHash('sha256').update(`${PYSPARK} ${DELTA}\n`).update(source).digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  console.error('setup: compiling the LogStore of clients/spark-log-store into .cache/spark/log-store');
  for (const tool of ['javac', 'jar']) {
    if (!has(tool))
      fail(`${tool} is needed by the tests. Install a JDK, 17 or newer (a JRE has none), and run the tests again.`);
  }
  const classes = join(folder, 'classes');
  const jar = join(folder, 'sentinela-log-store.jar');
  rmSync(classes, { recursive: true, force: true });
  mkdirSync(classes, { recursive: true });
  const classPath = jarFolders(root).map((path) => join(path, '*'));
  const done =
    run('javac', [
      ...['--release', '17', '-proc:none', '-cp', classPath.join(delimiter), '-d', classes],
      join(sources, LOG_STORE),
    ]) && run('jar', ['--create', '--file', `${jar}.new`, '-C', classes, '.']);
  if (!done) fail('The LogStore could not be compiled: see the lines above.');
  // A Spark that runs keeps the jar that it opened.
  renameSync(`${jar}.new`, jar);
  rmSync(classes, { recursive: true, force: true });
  writeFileSync(stamp, wanted);
}

/** Where the jars of Spark and of Delta are. */
function jarFolders(root) {
  const libraries = join(root, '.cache/spark/venv/lib');
  const [python] = readdirSync(libraries).filter((name) => name.startsWith('python'));
  return [join(libraries, python, 'site-packages/pyspark/jars'), join(root, '.cache/spark/jars')];
}
