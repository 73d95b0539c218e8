"""Who may do what."""

from contextlib import nullcontext

import pytest

from tenure.governance.access import (
    ROLES,
    UNSCOPED,
    Actor,
    Forbidden,
    Permission,
    Role,
    Unauthenticated,
    allows,
    authorize,
)


def test_every_role_stands_in_the_table_and_only_admin_has_everything() -> None:
    assert set(ROLES) == set(Role)
    assert [role for role, granted in ROLES.items() if granted == set(Permission)] == [Role.ADMIN]


def test_nobody_and_unknown_roles_may_donullcontext() -> None:
    with pytest.raises(Unauthenticated):
        authorize(None, Permission.WHOAMI)
    assert not any(allows("superuser", permission) for permission in Permission)


def test_a_caller_decides_and_readsnullcontext() -> None:
    granted = {permission for permission in Permission if allows(Role.CALLER, permission)}
    assert granted == {
        Permission.WHOAMI,
        Permission.APPLICATIONS_DECIDE,
        Permission.MODELS_PREDICT,
        Permission.OUTCOMES_IMPORT,
        Permission.EVENTS_IMPORT,
    }


def test_a_limit_to_applications_holds_for_everything_but_what_names_none() -> None:
    limited = Actor("t1", Role.ADMIN, frozenset({"offers"}))
    for permission in Permission:
        assert authorize(limited, permission, "offers") is limited
        with pytest.raises(Forbidden) if permission not in UNSCOPED else nullcontext():
            authorize(limited, permission, "loans")
        with pytest.raises(Forbidden) if permission not in UNSCOPED else nullcontext():
            authorize(limited, permission)


def test_a_refusal_names_the_roles_that_may() -> None:
    with pytest.raises(Forbidden) as refusal:
        authorize(Actor("t1", Role.VIEWER), Permission.VERSIONS_APPROVE)
    assert "t1 (role viewer) may not versions:approve" in str(refusal.value)
    assert "approver or admin" in refusal.value.hint


def test_only_auditors_and_admins_read_personal_fields() -> None:
    assert [role for role in Role if allows(role, Permission.DECISIONS_PERSONAL)] == [Role.AUDITOR, Role.ADMIN]
