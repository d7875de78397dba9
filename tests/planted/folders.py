"""Guards of the folders of a deployment and its parts: whose they are, whether they can be written, and what is kept in them:
(file, old, new, test)."""

OWNERSHIP = "tests/contract/test_ownership.py"
REFUSED_BY_NAME = f"{OWNERSHIP}::test_a_file_of_another_deployment_is_refused_by_name_and_left_as_it_is"
FOLDERS = "tests/contract/test_folders.py"
KEPT = "tests/unit/test_kept.py"
UNUSABLE = "tests/contract/test_unusable_folders.py"
SECOND, SETTINGS = "tests/unit/test_second_up.py", "tests/unit/test_settings.py"
STILL_SERVED = "test_a_folder_whose_lock_was_removed_is_in_use_as_long_as_a_part_is_served"
PLAINLY = "test_what_is_not_plainly_a_number_above_0_is_refused_by_name"

MUTANTS: list[tuple[str, str, str, str]] = [
    # whose file it is
    ("embedded/ownership.py", "if deployment and found and found != deployment:", "if False:", f"{REFUSED_BY_NAME}[region]"),
    ("embedded/authority.py", "    check_owner(db, path, about, deployment)\n", "", f"{REFUSED_BY_NAME}[authority]"),
    (
        "embedded/migration.py",
        "    own(db, deployment)\n",
        "",
        f"{OWNERSHIP}::test_a_file_is_its_deployments_from_the_first_start_on[region]",
    ),
    (
        "embedded/ownership.py",
        "if deployment and not owner_of(db):",
        "if False:",
        f"{OWNERSHIP}::test_a_file_that_names_none_becomes_this_deployments_once[authority]",
    ),
    (
        "local/region.py",
        "            deployment=deployment.app_id,\n",
        "",
        f"{OWNERSHIP}::test_a_region_upon_a_foreign_file_says_so_and_tells_and_takes_nothing",
    ),
    (
        "local/authority.py",
        "        deployment=config.deployment.app_id,\n",
        "",
        f"{OWNERSHIP}::test_an_authority_upon_a_foreign_file_does_not_start",
    ),
    (
        "local/damaged.py",
        "None if isinstance(self._damage, ForeignDatabase) else aside.end_in(self._database)",
        "aside.end_in(self._database)",
        f"{OWNERSHIP}::test_a_region_upon_a_foreign_file_says_so_and_tells_and_takes_nothing",
    ),
    # folders beside the records
    (
        "embedded/folders.py",
        "                self._meter.failed(problem.words)\n",
        "                pass\n",
        f"{FOLDERS}::test_a_write_of_an_object_tells_of_the_disk_and_a_moment_after_a_good_one_it_is_not_tried",
    ),
    (
        "embedded/folders.py",
        "        with suppress(OSError):\n            file.unlink(missing_ok=True)",
        "        file.unlink(missing_ok=True)",
        f"{FOLDERS}::test_whatever_is_asked_of_objects_whose_folders_are_not_there_is_an_error_of_the_disk_or_none[put]",
    ),
    (
        "embedded/folders.py",
        "allocate(opened.fileno(), 0, ROOM_BYTES)",
        "opened.truncate(ROOM_BYTES)",
        f"{FOLDERS}::test_a_folder_without_room_is_full[objects]",
    ),
    (
        "embedded/folders.py",
        "            self._meter.failed(self._problem(error).words)\n        else:",
        "            pass\n        else:",
        f"{FOLDERS}::test_a_folder_that_cannot_be_written_is_found_out_named_and_mended[objects]",
    ),
    (
        "health.py",
        'replace(each, condition="failing") if each.condition == "stuck" else each',
        "each",
        "tests/unit/test_health.py::test_a_folder_that_does_not_answer_does_not_hold_up_a_fence",
    ),
    (
        "local/region.py",
        "return with_folders(self._records.writing(), [folder.writing() for folder in self._folders])",
        "return self._records.writing()",
        f"{FOLDERS}::test_a_region_is_as_ill_as_its_folders_and_tells_everybody_who_asks[objects]",
    ),
    (
        "local/region.py",
        "self._folders = self._objects, self._uploads",
        "self._folders = (self._objects,)",
        f"{FOLDERS}::test_a_region_is_as_ill_as_its_folders_and_tells_everybody_who_asks[pending]",
    ),
    (
        "gallery/worker.py",
        "if isinstance(error, OSError) and error.errno is not None:",
        "if False:",
        "tests/unit/test_photos_workers.py::test_a_disk_that_takes_no_picture_is_not_blamed_on_the_picture",
    ),
    (
        "repair.py",
        "            except DiskFailed as error:\n",
        "            except MemoryError as error:\n",
        "tests/unit/test_repair.py::test_a_disk_that_does_not_take_what_was_fetched_is_told_as_that",
    ),
    # what a deployment keeps for good
    (
        "local/kept.py",
        "if there is None or (there.app_id == kept.app_id and there != kept):",
        "if there != kept:",
        f"{KEPT}::test_the_copy_of_another_deployment_is_neither_believed_nor_written_over",
    ),
    (
        "local/kept.py",
        "if len({kept.app_id for kept, _ in found}) > 1:",
        "if False:",
        f"{KEPT}::test_copies_of_several_deployments_are_told_apart_by_name",
    ),
    (
        "local/kept.py",
        " if copy.app_id == kept.app_id), configured)",
        "), configured)",
        f"{KEPT}::test_the_copy_of_another_deployment_is_neither_believed_nor_written_over",
    ),
    (
        "local/deployment.py",
        "if damage or has_data(self.folder):",
        "if False:",
        f"{KEPT}::test_data_with_nothing_that_says_whose_is_not_founded_upon[authority]",
    ),
    (
        "local/deployment.py",
        "        except msgspec.DecodeError as error:\n            damage =",
        "        except MemoryError as error:\n            damage =",
        f"{KEPT}::test_a_lost_or_damaged_file_is_made_again_and_it_is_said[]",
    ),
    ("local/kept.py", "    if name in PARTS:", "    if False:", f"{KEPT}::test_a_region_is_not_called_like_a_part_an_option_or_a_path"),
    ("local/kept.py", "NAME.fullmatch(name)", "NAME.match(name)", f"{KEPT}::test_a_region_is_not_called_like_a_part_an_option_or_a_path"),
    # folders that cannot be used
    (
        "local/serve.py",
        "            except (DiskFailed, DiskFull, OSError) as error:",
        "            except MemoryError as error:",
        f"{UNUSABLE}::test_a_region_whose_folder_cannot_be_used_says_so_and_serves_nothing",
    ),
    (
        "local/serve.py",
        "                if obstacle is not None:",
        "                if False:",
        f"{UNUSABLE}::test_what_is_mended_while_a_region_could_not_hold_its_folder_is_not_opened_unheld",
    ),
    (
        "local/supervisor.py",
        " or part.process.returncode != UNUSABLE",
        "",
        f"{UNUSABLE}::test_an_authority_that_ends_for_another_reason_ends_the_start",
    ),
    (
        "local/serve.py",
        "        sys.exit(UNUSABLE)",
        "        sys.exit(1)",
        f"{UNUSABLE}::test_without_a_usable_authority_the_regions_are_up_and_it_is_started_when_mended",
    ),
    (
        "local/supervisor.py",
        "                await self._end_useless(part)\n",
        "",
        f"{UNUSABLE}::test_a_region_that_only_says_why_it_cannot_serve_is_started_anew_when_wanted",
    ),
    (
        "embedded/database.py",
        "if code & PRIMARY_CODE in NOT_WRITABLE and code not in UNREADABLE:",
        "if False:",
        f"{UNUSABLE}::test_a_region_whose_folder_cannot_be_used_says_so_and_serves_nothing",
    ),
    # what is found out before anything is written, and what may be set
    ("local/up.py", "        await wait_until_unserved(wishes.data, clock)\n", "", f"{SECOND}::{STILL_SERVED}"),
    (
        "local/up.py",
        "        check_ports(parts)  # before anything is written that a deployment in use could have\n",
        "",
        f"{SECOND}::test_a_port_that_is_taken_is_found_out_before_anything_is_written",
    ),
    ("config.py", "if not 0 < value < math.inf:", "if not 0 < value:", f"{SETTINGS}::{PLAINLY}"),
    ("config.py", "pattern.fullmatch(text) else 0", "True else 0", f"{SETTINGS}::{PLAINLY}"),
    ("config.py", "    if not text.strip():", "    if False:", f"{SETTINGS}::test_no_name_is_not_the_present_folder"),
]
