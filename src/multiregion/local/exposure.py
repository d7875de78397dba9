"""What this region would lose with it, kept at hand for every heartbeat."""

from multiregion.accounts.exposure import credential_change
from multiregion.embedded.pending import PendingUploads
from multiregion.embedded.records import SqliteRecords
from multiregion.stores import START, CredentialChange, Exposure

CREDENTIALS_MAX = 20


class RegionExposure:
    """Credential changes are looked through again only when there is a new one."""

    def __init__(self, records: SqliteRecords, uploads: PendingUploads, word: str = "uploads") -> None:
        self._records = records
        self._uploads = uploads
        self._word = word
        self._newest = START
        self._credentials: tuple[CredentialChange, ...] = ()

    def __call__(self) -> Exposure:
        newest = next((change.position for change, _ in self._records.credential_changes(limit=1)), START)
        if newest != self._newest:
            self._newest, self._credentials = newest, self._looked_through()
        return Exposure(self._credentials, self.uploads())

    def uploads(self) -> dict[str, int]:
        """How many are on their way in, by the application's word for them."""
        return {self._word: self._uploads.in_flight()}

    def _looked_through(self) -> tuple[CredentialChange, ...]:
        found = (credential_change(change, before) for change, before in self._records.credential_changes(limit=CREDENTIALS_MAX))
        return tuple(each for each in found if each is not None)
