BEGIN TRANSACTION;
CREATE TABLE canary (one INTEGER PRIMARY KEY CHECK (one = 1), beat INTEGER NOT NULL);
INSERT INTO "canary" VALUES(1,0);
CREATE TABLE change (
    sequence INTEGER PRIMARY KEY, epoch INTEGER NOT NULL,
    partition TEXT NOT NULL, id TEXT NOT NULL, sort TEXT NOT NULL, value BLOB, needs TEXT NOT NULL,
    actor TEXT NOT NULL, at REAL NOT NULL, size INTEGER NOT NULL,
    previous_value BLOB, previous_sort TEXT, previous_epoch INTEGER, previous_sequence INTEGER, previous_needs TEXT,
    chain TEXT NOT NULL DEFAULT '', own INTEGER NOT NULL DEFAULT 1, digest BLOB, previous_expunged INTEGER NOT NULL DEFAULT 0
);
INSERT INTO "change" VALUES(1,1,'photos','p','1',X'7B2263617074696F6E223A202273756E72697365227D','["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"]','ada',1700000003.5,94,NULL,NULL,NULL,NULL,NULL,'c4059316e8551d51a37e7f8be55c9244',1,NULL,0);
INSERT INTO "change" VALUES(2,1,'comments/p','c0','c0',X'7B226D657373616765223A20226B657074227D','[]','ada',1700000005.5,33,NULL,NULL,NULL,NULL,NULL,'d836802175aa04c959685587c6c33ed7',1,NULL,0);
INSERT INTO "change" VALUES(3,1,'users','ada','',X'7B226E616D65223A2022616461227D','[]','ada',1700000007.5,23,NULL,NULL,NULL,NULL,NULL,'08014676b3c30dbcefa9e81b6714a283',1,NULL,0);
INSERT INTO "change" VALUES(4,3,'comments/p','c3','c3',X'7B226D657373616765223A20226C61746572227D','[]','ada',1700000021.5,34,NULL,NULL,NULL,NULL,NULL,'294914edb1327ea1b454f0329c505082',1,NULL,0);
CREATE TABLE loss (
    epoch INTEGER NOT NULL, sequence INTEGER NOT NULL, chain TEXT NOT NULL, digest BLOB,
    partition TEXT NOT NULL, id TEXT NOT NULL, value BLOB, sort TEXT NOT NULL, needs TEXT NOT NULL,
    actor TEXT NOT NULL, at REAL NOT NULL, size INTEGER NOT NULL,
    revision INTEGER NOT NULL UNIQUE, region TEXT NOT NULL, cause TEXT NOT NULL, writes INTEGER,
    replaced_epoch INTEGER, replaced_sequence INTEGER, lost_at REAL NOT NULL, reason TEXT NOT NULL,
    outcome TEXT NOT NULL, decided_by TEXT NOT NULL, applied_epoch INTEGER, applied_sequence INTEGER,
    PRIMARY KEY (epoch, sequence, chain)
);
INSERT INTO "loss" VALUES(1,4,'dc71aa02fbc8c5d96b5bfe80186ed37e',NULL,'photos','q',X'7B7D','2','[]','ada',1700000009.5,10,1,'primary','not replicated',NULL,NULL,NULL,1700000018.5,'not replicated','pending','',NULL,NULL);
INSERT INTO "loss" VALUES(1,5,'be5a9f63000736eccf239043a8a635cb',NULL,'comments/q','c1',X'7B226D657373616765223A20226F727068616E227D','c1','[]','ada',1700000011.5,35,2,'primary','not replicated',NULL,NULL,NULL,1700000018.5,'not replicated','pending','',NULL,NULL);
INSERT INTO "loss" VALUES(1,6,'ab9df442e9a5f7741720e2ffc14a50cc',NULL,'comments/p','c0',NULL,'','[]','ada',1700000013.5,12,3,'primary','not replicated',NULL,1,2,1700000018.5,'not replicated','pending','',NULL,NULL);
INSERT INTO "loss" VALUES(1,7,'5cef43ea83456d2b9af342b7d3a48bba',NULL,'comments/p','c2',X'7B226D657373616765223A20226C6F7374227D','c2','[]','ada',1700000015.5,33,4,'primary','not replicated',NULL,NULL,NULL,1700000018.5,'not replicated','pending','',NULL,NULL);
CREATE TABLE need (
    partition TEXT NOT NULL, id TEXT NOT NULL, digest TEXT NOT NULL,
    PRIMARY KEY (partition, id, digest)
) WITHOUT ROWID;
INSERT INTO "need" VALUES('photos','p','aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa');
CREATE TABLE record (
    partition TEXT NOT NULL, id TEXT NOT NULL, sort TEXT NOT NULL, value BLOB,
    epoch INTEGER NOT NULL, sequence INTEGER NOT NULL,
    PRIMARY KEY (partition, id)
) WITHOUT ROWID;
INSERT INTO "record" VALUES('comments/p','c0','c0',X'7B226D657373616765223A20226B657074227D',1,2);
INSERT INTO "record" VALUES('comments/p','c3','c3',X'7B226D657373616765223A20226C61746572227D',3,4);
INSERT INTO "record" VALUES('photos','p','1',X'7B2263617074696F6E223A202273756E72697365227D',1,1);
INSERT INTO "record" VALUES('users','ada','',X'7B226E616D65223A2022616461227D',1,3);
CREATE TABLE region (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    state TEXT NOT NULL, epoch INTEGER NOT NULL, leader TEXT NOT NULL, writable INTEGER NOT NULL, history TEXT NOT NULL,
    store TEXT NOT NULL, whole INTEGER NOT NULL,
    log_epoch INTEGER NOT NULL, log_sequence INTEGER NOT NULL, log_bytes INTEGER NOT NULL, content TEXT NOT NULL,
    chain TEXT NOT NULL,
    owed_epoch INTEGER NOT NULL, owed_sequence INTEGER NOT NULL, owed_chain TEXT NOT NULL, owed_cause TEXT NOT NULL,
    succeeds TEXT NOT NULL
);
INSERT INTO "region" VALUES(1,'active',3,'primary',0,'first history','store-of-format-2',1,3,4,184,'31f4e9e3177c192b69d303780dd70992c8f44ce4d36f415fc043c68a8ccd2976','294914edb1327ea1b454f0329c505082',0,0,'','','[]');
CREATE INDEX record_in_order ON record (partition, sort, id) WHERE value IS NOT NULL;
CREATE INDEX change_by_epoch ON change (epoch, sequence);
CREATE INDEX change_of_credentials ON change (sequence) WHERE partition IN ('revocations', 'users');
CREATE INDEX change_of_secrets ON change (sequence) WHERE partition IN ('revocations', 'users', 'signing-keys') AND previous_value IS NOT NULL;
CREATE INDEX loss_that_waits ON loss (outcome) WHERE outcome = 'pending';
CREATE INDEX need_of_digest ON need (digest);
PRAGMA user_version = 2;
COMMIT;
