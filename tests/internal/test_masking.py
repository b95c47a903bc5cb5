"""No secret is shown, in whatever form a text from outside carries it."""

import random
import string

import pytest

from seedling.masking import masked, secrets_of

FORMS = [
    "postgresql://u:{}@h:5432/db",
    "postgresql://u:a/{}@h/db",
    "postgresql://u:12/{}@h/db",
    "postgresql://u:a#{}@h/db",
    "postgresql://u:a?{}@h/db",
    "postgresql://u:a@{}@h/db",
    "postgresql://u:a {}@h/db",
    "postgresql://u:a'{}@h/db",
    "postgresql://h/db?user=u&password={}",
    "postgresql://h/db?password=p#{}",
    "postgresql://h/db#password={}",
    "postgresql%3A%2F%2Fu%3A{}%40h%2Fdb",
    "postgresql%253A%252F%252Fu%253A{}%2540h%252Fdb",
    "postgresql:u:{}@h",
    "u:{}@tcp(h)/db",
    "//u:{}@h/x",
    "redis://:{}@h",
    "https://{}@github.com/a",
    "https://x.blob.core.windows.net/c?sv=2020-01-01&sig={}&se=1",
    "?sv=2020-01-01&sig={}",
    "jdbc:sqlserver://h:1433;user=sa;password={};encrypt=true",
    "sqlserver://h;user=sa;password={}",
    "mssql+pyodbc:///?odbc_connect=DRIVER%3D%7BA%7D%3BPWD%3D{}",
    "Driver={{ODBC Driver 18}};Server=h;UID=u;PWD={}",
    "Driver={{ODBC Driver 18}};Server=h;UID=u;PWD={{a;{}}}",
    "Server=h;User Id=u;Password={};",
    "DefaultEndpointsProtocol=https;AccountName=a;AccountKey={}==;EndpointSuffix=core.windows.net",
    "AccountEndpoint=https://x.documents.azure.com:443/;AccountKey={}",
    "Endpoint=sb://x/;SharedAccessKeyName=n;SharedAccessKey={}",
    "host=h user=u password={} dbname=d",
    "password='a {}'",
    "password%3D{}",
    "key={}",
    "API_KEY={}",
    "password: {}",
    "{{'password': '{}'}}",
    '{{"client_secret": "{}"}}',
    "Authorization: Bearer {}",
    "Authorization: {}",
    "x-api-key: {}",
    "Bearer {}",
    "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----",
]
AROUND = [
    "{}",
    "Error: '{}' cannot be read.",
    'No such option: --from="{}"',
    "({!r}, 3)",
    "<{}>, x",
]
HARMLESS = [
    "A SQL URL needs its table behind a #: postgresql://host/db#visits.",
    "The database URL is not of the form dialect://user@host/name.",
    "postgresql://${USER}:${PG_PASSWORD}@h/db",
    "postgresql://u:${PG_PASSWORD}@h/db?sslmode=require#public.visits",
    "Feature store postgresql+psycopg://scoring@h:5432/db: server closed the connection",
    "feature_store.url uses ${DB_PASSWORD}, which is not set: add it to .env.",
    "API_KEY: 16 characters or more is expected.",
    "'a' is not a tag: write key=value.",
    "make add-dataset FROM=x.csv KEY=customer_id TARGET=churned",
    "https://ml.azure.com/runs/6f0c7d1e-1111-2222-3333-444455556666?wsid=/subscriptions/1&tid=2",
    "acme.azurecr.io/aml-tre-nexus-image:3f2a9b8c7d6e5f4a3b2c1d0e9f8a7b6c5d4e3f2a",
    "6f0c7d1e" * 8,
    "/home/Users/Me2/Projects2026/MyProject/Income_2024/models/xgboost/train.py",
    'Bearer authentication is needed, or Basic realm="scoring"',
    "http://127.0.0.1:5000/docs",
    "sqlite:///local_assets/feature_store.db",
    "azureml://registries/r/models/m@latest",
    "abfss://container@account.dfs.core.windows.net/x.csv",
    "row 3, column age: 'x, y' is not a number: 12:30",
]


def _secret(seed: str) -> str:
    rng = random.Random(seed)  # noqa: S311 - no secret
    return "".join(rng.choices(string.ascii_letters + string.digits, k=12)) + "7"


@pytest.mark.parametrize("form", FORMS)
def test_no_form_of_a_secret_is_shown(form: str):
    for around in AROUND:
        secret = _secret(form + around)
        shown = masked(around.format(form.format(secret)))
        assert secret not in shown
        assert "***" in shown


@pytest.mark.parametrize("text", HARMLESS)
def test_a_text_without_a_secret_stays_as_it_is(text: str):
    assert masked(text) == text


def test_a_parameter_of_any_name_may_be_a_secret():
    """The names that are known are those of harmless parameters; all others are masked."""
    rng = random.Random(47)  # noqa: S311 - no secret
    for _ in range(500):
        name = "".join(rng.choices(string.ascii_letters, k=rng.randint(3, 12)))
        secret = _secret(name)
        for text in (
            f"postgresql://h/db?sslmode=require&{name}={secret}",
            f"https://h/x?{name}={secret}#part",
            f"jdbc:x://h;{name}={secret}",
            f"Server=h;{name}={secret};Database=d",
            f"scheme{name}://{name}:{secret}@h/db",
        ):
            assert secret not in masked(text)


def test_what_a_driver_says_of_a_password_of_the_environment_is_masked(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("FEATURE_STORE_URL", "postgresql://u:tr%40ub4dor&3@h/db")
    monkeypatch.setenv("WAREHOUSE_PASSWORD", "correct-horse-1")
    shown = masked('FATAL: "tr@ub4dor&3" and correct-horse-1 are wrong for user "u"')
    assert shown == 'FATAL: "***" and *** are wrong for user "u"'


def test_a_folder_of_the_shell_is_no_secret(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PWD", "/home/ann/income_bracket")
    monkeypatch.setenv("AUTHENTICATION", "off")
    line = "/home/ann/income_bracket/model.yaml, line 1: AUTHENTICATION=off is set"
    assert masked(line) == line


def test_a_long_text_is_masked_in_little_time():
    """Masking is linear: an error's text may hold a row of a hostile caller."""
    for piece in ("a", "a=", "://", "a:b@", "{", "key=", " a", "=;", "-", "x.y-", "%3A%2F%2F", "_"):
        masked(piece * (20_000 // len(piece)))


def test_which_kinds_of_identity_are_tried_is_no_secret():
    """CI sets it, and its files name it: check-secrets would find them."""
    assert secrets_of("AZURE_TOKEN_CREDENTIALS", "AzureCliCredential") == ()
    assert secrets_of("GITHUB_TOKEN", "AzureCliCredential") != ()
