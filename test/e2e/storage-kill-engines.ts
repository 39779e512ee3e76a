import { join } from 'node:path';
import { LINK_LOG_STORE } from '../running-spark.ts';
import type { OtherEngine } from './storage-kill-run.ts';

/** delta-rs, which appends. @param root the repository. @param python that has it. */
export function deltaRs(root: string, python: string): OtherEngine {
  return { name: 'delta-rs', program: python, script: join(root, 'test/e2e/storage-kill-delta-rs.py') };
}

/**
 * Spark, which appends, merges and deletes, and commits through the LogStore of clients/spark-log-store.
 *
 * @param root the repository.
 * @param folder for what it writes beside the table: killed, it leaves that behind.
 */
export function spark(root: string, folder: string): OtherEngine {
  return {
    name: 'Spark',
    program: join(root, '.cache/spark/venv/bin/python'),
    script: join(root, 'test/e2e/storage-kill-spark.py'),
    environment: {
      SPARK_WAREHOUSE: folder,
      SPARK_LOCAL_DIRS: folder,
      TMPDIR: folder,
      // Its lives are too short for code that is compiled well.
      JAVA_TOOL_OPTIONS: `-Djava.io.tmpdir=${folder} -XX:TieredStopAtLevel=1 -XX:+UseSerialGC`,
      SPARK_SETTINGS: JSON.stringify({
        ...LINK_LOG_STORE,
        'spark.driver.memory': '768m',
        'spark.sql.codegen.wholeStage': 'false',
        'spark.sql.codegen.factoryMode': 'NO_CODEGEN',
      }),
    },
    leastWorkMs: 20_000,
    hasProcesses: true,
  };
}
