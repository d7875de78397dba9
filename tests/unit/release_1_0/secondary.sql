BEGIN TRANSACTION;
CREATE TABLE change (
    sequence INTEGER PRIMARY KEY, epoch INTEGER NOT NULL,
    partition TEXT NOT NULL, id TEXT NOT NULL, sort TEXT NOT NULL, value BLOB, needs TEXT NOT NULL,
    actor TEXT NOT NULL, at REAL NOT NULL, size INTEGER NOT NULL,
    previous_value BLOB, previous_sort TEXT, previous_epoch INTEGER, previous_sequence INTEGER, previous_needs TEXT
);
INSERT INTO "change" VALUES(1,1,'photos','p','2',X'7B2263617074696F6E223A202273756E72697365227D','["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"]','ada',1700000001.5,94,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "change" VALUES(2,1,'users','ada','',X'7B226E616D65223A2022616461227D','[]','ada',1700000002.5,23,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "change" VALUES(3,1,'photos','q','1',X'7B7D','[]','ada',1700000003.5,10,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "change" VALUES(4,1,'photos','q','',NULL,'[]','bob',1700000004.5,7,X'7B7D','1',1,3,'[]');
INSERT INTO "change" VALUES(5,2,'photos','r','3',X'72','[]','ada',1700000005.5,9,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "change" VALUES(6,2,'comments/p','c0','c0',X'7B226D657373616765223A20226C6F7374227D','["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"]','bob',1700000006.5,97,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "change" VALUES(7,4,'photos','p','2',X'7B2263617074696F6E223A202273756E736574227D','["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"]','ada',1700000007.5,93,X'7B2263617074696F6E223A202273756E72697365227D','2',1,1,'["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"]');
CREATE TABLE loss (
    number INTEGER PRIMARY KEY AUTOINCREMENT, epoch INTEGER NOT NULL, sequence INTEGER NOT NULL,
    partition TEXT NOT NULL, id TEXT NOT NULL, value BLOB, sort TEXT NOT NULL, needs TEXT NOT NULL,
    actor TEXT NOT NULL, at REAL NOT NULL, size INTEGER NOT NULL,
    replaced_epoch INTEGER, replaced_sequence INTEGER, lost_at REAL NOT NULL, reason TEXT NOT NULL,
    outcome TEXT NOT NULL, decided_by TEXT NOT NULL, applied_epoch INTEGER, applied_sequence INTEGER,
    UNIQUE (epoch, sequence)
);
CREATE TABLE need (
    partition TEXT NOT NULL, id TEXT NOT NULL, digest TEXT NOT NULL,
    PRIMARY KEY (partition, id, digest)
) WITHOUT ROWID;
INSERT INTO "need" VALUES('comments/p','c0','aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa');
INSERT INTO "need" VALUES('photos','p','aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa');
CREATE TABLE record (
    partition TEXT NOT NULL, id TEXT NOT NULL, sort TEXT NOT NULL, value BLOB,
    epoch INTEGER NOT NULL, sequence INTEGER NOT NULL,
    PRIMARY KEY (partition, id)
) WITHOUT ROWID;
INSERT INTO "record" VALUES('comments/p','c0','c0',X'7B226D657373616765223A20226C6F7374227D',2,6);
INSERT INTO "record" VALUES('photos','p','2',X'7B2263617074696F6E223A202273756E736574227D',4,7);
INSERT INTO "record" VALUES('photos','q','',NULL,1,4);
INSERT INTO "record" VALUES('photos','r','3',X'72',2,5);
INSERT INTO "record" VALUES('users','ada','',X'7B226E616D65223A2022616461227D',1,2);
CREATE TABLE region (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    state TEXT NOT NULL, epoch INTEGER NOT NULL, leader TEXT NOT NULL, writable INTEGER NOT NULL,
    whole INTEGER NOT NULL,
    log_epoch INTEGER NOT NULL, log_sequence INTEGER NOT NULL, log_bytes INTEGER NOT NULL, content TEXT NOT NULL
);
INSERT INTO "region" VALUES(1,'active',4,'primary',0,1,4,7,333,'9cc00978afc83084ffd4b8b5b64781625295e0e4032c70caeae0b6add5072230');
CREATE INDEX record_in_order ON record (partition, sort, id) WHERE value IS NOT NULL;
CREATE INDEX change_by_epoch ON change (epoch, sequence);
CREATE INDEX change_of_credentials ON change (sequence) WHERE partition IN ('revocations', 'users');
CREATE INDEX need_of_digest ON need (digest);
DELETE FROM "sqlite_sequence";
COMMIT;
