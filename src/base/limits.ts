/**
 * The limits of the service, each with its reason. Those of one format or language lie beside it, such as
 * `storage/expression/expression-limits.ts`. What is measured in bytes ends in `Bytes`, in
 * milliseconds in `Ms`, in microseconds in `Micros`.
 */
export const LIMITS = {
  /** A payment is about 1 KB; 64 KiB leaves room for fields to come and stops floods of memory. */
  paymentBytes: 64 * 1024,
  /** The schema nests four deep; deeper bodies only cost time. */
  jsonDepth: 12,
  /** A batch is answered by one group commit; beyond 1,000 it would hold the others up for over 50 ms. */
  batchPayments: 1000,
  /** 1,000 payments of 4 KB. */
  batchBytes: 4 * 1024 * 1024,
  /** SPI tolerates 12 h between the id's time and its own. */
  aheadMicros: 12 * 3_600_000_000,
  /** MED, DICT and clients retry for days; a week of answers is what memory and journal can hold. */
  retryHorizonMicros: 7 * 86_400_000_000,
  /** Rows of one online read: 100 of 116 features are answered in 6 ms, in pieces between which payments are scored. */
  readRows: 100,
  /** Names of features in one online read: more than any set has. */
  readFeatures: 1024,
  /** 100 payments of 4 KB, and the names of features. */
  readBytes: 512 * 1024,
  /** Rows that are read in one piece before payments have their turn: 0.2 to 0.5 ms. */
  readRowsInOneGo: 16,
  /** Online reads under way: payments come first, and what waits longer than these is better sent elsewhere. */
  readsUnderWay: 32,
  /** Payments of one historical read over HTTP: 50 MB of answer with 120 features. A longer list is an export. */
  historicalRows: 50_000,
  /** 50,000 rows of an id and a side. */
  historicalBytes: 8 * 1024 * 1024,
  /** Historical reads at once: one is under way and seven wait for it. Each may take a minute, and nobody waits for ten. */
  historicalReads: 8,
  /** A historical read reads the whole of silver first: a minute for 3 M payments. */
  historicalMs: 600_000,
  /** Heap of the thread that reads. Columns lie outside of it: 1.5 M payments are 0.4 GB, and their replay as much. */
  historicalHeapMb: 2048,
  /** Threads of one replay: each holds 40 MB, and one thread must keep up with writing what all of them compute. */
  replayThreads: 64,
  /** Reads of a replay whose values are in memory at once: 62 MB with the shipped set. Of more, all are spilled to disk, 1 KB each. */
  replayReads: 65_536,
  /** Values that go to disk at once: writes of this size are as fast as the disk is. */
  spillChunkBytes: 64 * 1024,
  /** Memory of one thread for values on their way to disk: beyond 512 pieces of reads, 33 M, its chunks become smaller. */
  spillBufferBytes: 32 * 1024 * 1024,
  /** Requests under way: at 15 k/s and 100 ms that is 1,500; four times that is a backlog that cannot be served in time. */
  requestsUnderWay: 8192,
  /** Payments scored by one call of the model: more gains nothing and delays the first of them. */
  modelBatchRows: 64,
  /** What waits for the model: at 60 k rows/s this is 100 ms, the deadline. */
  modelQueueRows: 8192,
  /** A journal's segment: large enough that files stay few, small enough to delete soon. */
  journalSegmentBytes: 64 * 1024 * 1024,
  /** Zeros written ahead of a journal's end: fdatasync then changes no metadata, 0.14 ms instead of 0.63. */
  journalAheadBytes: 4 * 1024 * 1024,
  /** One group commit: written in about 10 ms on a slow disk. */
  journalGroupBytes: 4 * 1024 * 1024,
  /** Records that wait for the disk, or will once their decisions are made: beyond this the disk is too slow and 503 is the honest answer. */
  journalQueueBytes: 64 * 1024 * 1024,
  /** What a record has beside the bytes of its request and its features: 0.7 KB of answer, numbers and names, and reasons at length. Only room is reckoned by it. */
  recordBesideRawBytes: 2048,
  /** What silver does not hold yet: 2 M decisions. Beyond it the lake is not keeping up and a person must look. */
  journalBacklogBytes: 4 * 1024 * 1024 * 1024,
  /** One record: a payment, its answer and its features, several times over. */
  journalRecordBytes: 1024 * 1024,
  /** Rows of silver that a start reads before it writes a snapshot: below, reading them again is as fast. */
  readBeforeSnapshot: 50_000,
  /** Snapshots that an instance keeps, the newest: of the set that is served, the one before and the one to come. 600 MB each for 1 M payments. */
  snapshotsOfInstance: 3,
  /** Records of the tail that a start reads before it writes a snapshot anew: two seconds of them. */
  replayedBeforeSnapshot: 200_000,
  /** How far a file may be behind when nothing happens. */
  bronzeLagMs: 4000,
  /** Records that one bronze commit takes under load: about 20 MB in memory. */
  bronzeBatchRecords: 8192,
  /** Lines of one imported file: its ledger is then 6 GB, beside what the lake holds, and a longer file is better cut. */
  importLines: 32 * 1024 * 1024,
  /** Rows of a user's own file for an export: 0.5 KB each in memory beside silver. */
  rowsFileRows: 8 * 1024 * 1024,
  /** Wrong rows of such a file that are printed: who sees them knows what is wrong with the rest. */
  rowsFileProblems: 20,
  /** Bytes of such a file, which is hashed and read whole. */
  rowsFileBytes: 2 * 1024 * 1024 * 1024 - 1,
  /** Ids whose pseudonym or group is remembered while rows are written: 200 MB of texts. To make one again costs 2 µs. */
  rememberedIds: 1024 * 1024,
  /** Memory of a join of ready values, which spills beyond: 500,000 rows and 1 M values take a third of it. */
  joinMemoryMb: 2048,
  /**
   * Memory that the tiles of one kind of entity may come to, taken as they fill: a register part is 33 KB, so 130,000
   * entities with an estimate of distinct values over all time. One array of more is refused on machines of 8 GB.
   */
  tilePoolBytes: 4 * 1024 * 1024 * 1024,
  /** Text of one expression of a feature: a list of 1,000 ISPBs fits, and what a person can read is a tenth of it. */
  expressionCharacters: 16 * 1024,
  /** Operations and operands of one expression, at 7 to 10 ns each: 2 µs a payment. A longer one is better cut into features. */
  expressionNodes: 256,
  /** Parentheses and calls within each other: reading them is recursive. People write five. */
  expressionDepth: 32,
  /** Operations and operands of all expressions of a set: up to 50 µs of every payment's time. The shipped set has 126. */
  expressionNodesOfSet: 5000,
  /** Text of a file of feature definitions, and of the set that it says with aliases written out: 20 times the shipped set's. */
  definitionFileBytes: 1024 * 1024,
  /** Aliases in such a file: each feature may have two. */
  definitionFileAliases: 2048,
  /** Faults of such a file that are printed: who sees them knows what is wrong with the rest. */
  definitionFileFaults: 20,
  /** Features of a set: a vector of 8 KB a payment, and as many columns of an export. */
  setFeatures: 1024,
  /** Tiles that an entity may have: all are looked at where it drops an event, and where a window reads them. 400 days of hours are 9,600. */
  tilesOfEntity: 16_384,
  /** Features with series of their own in the metrics: ten each at most, so 5,100 series and 450 KB a scrape. The rest are counted together. */
  metricFeatures: 512,
  /** Decisions of one run that are counted for drift, the newest: 20 s of the lake's thread. More say nothing that these do not. */
  driftDecisions: 1_000_000,
  /** What the figures of drift look back on: a whole day, for hours differ from each other. */
  driftWindowMicros: 86_400_000_000,
  /** Decisions of one check of a sample: 168,000 values an hour with the shipped set, and what is wrong in one of 10,000 is seen within a day. */
  skewDecisions: 1000,
  /** Events that one check of a sample reads for them: 60 MB of the lake's thread. */
  skewEvents: 100_000,
  /** Memory for pages of cold events, for events and for their index of each kind of entity: 224 MB for all seven. */
  coldCacheBytes: 16 * 1024 * 1024,
  /** Labels that a payee keeps where the set has no bound: all are read for each payment to it. */
  labelsOfEntity: 4096,
  /** Different conditions of one kind of entity: each is a bit of a double, which holds 53. */
  conditionsOfEntity: 53,
} as const;
