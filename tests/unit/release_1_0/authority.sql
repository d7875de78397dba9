BEGIN TRANSACTION;
CREATE TABLE decision (
    number INTEGER PRIMARY KEY, what TEXT NOT NULL,
    epoch INTEGER NOT NULL, state TEXT NOT NULL, leader TEXT NOT NULL, writable INTEGER NOT NULL,
    actor TEXT NOT NULL, at REAL NOT NULL, reason TEXT NOT NULL, facts TEXT NOT NULL
);
INSERT INTO "decision" VALUES(1,'state',1,'active','primary',0,'multiregion',1700000001.5,'deployed','{}');
INSERT INTO "decision" VALUES(2,'state',2,'failover','secondary',1,'eve',1700000002.5,'lost','{"watermark": {"epoch": 1, "sequence": 4}}');
INSERT INTO "decision" VALUES(3,'loss',2,'failover','secondary',1,'eve',1700000003.5,'applied','{"loss": "1.5"}');
INSERT INTO "decision" VALUES(4,'state',3,'fenced','secondary',0,'eve',1700000004.5,'back','{}');
INSERT INTO "decision" VALUES(5,'state',4,'active','primary',0,'eve',1700000005.5,'back','{}');
CREATE UNIQUE INDEX one_state_an_epoch ON decision (epoch) WHERE what = 'state';
COMMIT;
