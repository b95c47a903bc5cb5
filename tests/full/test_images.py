"""The images of a project, built and run by a real engine: its service, its models, all of them."""

import json
import os
import pty
import re
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
import warm
from baking import ROOT, call, few_trees, python_of
from engine import BASE, HARDENED, NETWORK, PATIENCE, Engine, find_engine, until_ready
from serving import ask, free_port, predict
from under_fire import ROW

pytestmark = pytest.mark.full

ANSWERS = {
    "vertical": "finance",
    "project_name": "Boxed",
    "models": "logistic_regression, random_forest, xgboost",
}
MOST_MIB = 260  # that an image may have on top of its base
TABLE = "data/income.parquet"
FOLDERS = ("logistic-regression", "xgboost")  # of the models that containers train


@pytest.fixture(scope="module")
def engine() -> Engine:
    return find_engine()


@pytest.fixture(scope="module")
def project(installed) -> Path:
    """A project that has a dataset, and its models registered: small ones, trained often."""
    found = installed(ANSWERS)
    few_trees(found)
    assert (found / "model.yaml").read_text(encoding="utf-8").count("n_estimators: 20,") == 2
    for name in ("create-local-datasets", "train-all"):
        warm.verb(found, name)
    return found


@pytest.fixture(scope="module")
def image(engine: Engine, project: Path) -> Iterator[str]:
    name = f"boxed-{uuid4().hex[:8]}"
    engine.verb(project, "build", "--tag", name)
    yield name
    engine("rmi", "--force", name)


@pytest.fixture(scope="module")
def trained(engine: Engine, project: Path) -> Iterator[Path]:
    """The project, with two models trained by containers under names of their own."""
    make(project, "logistic_regression", "build-train", "train", MODEL_NAME="adult_income_lr")
    make(project, "xgboost", "build-train", "train", MODEL_NAME="adult_income_xgb")
    yield project
    images = [f"boxed-{model}-{kind}" for model in FOLDERS for kind in ("train", "predict")]
    engine("rmi", "--force", *images)


@pytest.fixture(scope="module")
def serving_image(trained: Path) -> str:
    """The image that serves what the folder of XGBoost has trained."""
    make(trained, "xgboost", "build-predict")
    return "boxed-xgboost-predict"


def make(project: Path, folder: str, *verbs: str, **variables: str) -> str:
    """What `make` prints in a model's folder."""
    given = [f"{name}={value}" for name, value in variables.items()]
    done = subprocess.run(
        ["make", "--no-print-directory", "-C", f"models/{folder}", *verbs, *given],
        cwd=project,
        env=find_engine().settings(),
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def mib_over_base(engine: Engine, image: str) -> float:
    size = engine.inspected(image, ".Size") - engine.inspected(BASE, ".Size")
    return size / 2**20


@pytest.mark.parametrize("user", ["1001:0", "123456:0"])
def test_it_serves_as_anybody_with_nothing_to_write_to(engine: Engine, image: str, user: str):
    with engine.running(image, *HARDENED, "--user", user) as (name, address):
        until_ready(address)
        for model in ("logistic_regression", "xgboost"):
            answer = predict(address, model, [ROW])
            assert (answer["version"], len(answer["predictions"])) == ("1", 1)
        count = "import sqlite3; print(sqlite3.connect('/data/predictions.db').execute("
        count += "'select count(*) from predictions').fetchone()[0])"
        deadline = time.monotonic() + PATIENCE
        while engine("exec", name, "python", "-c", count).stdout.strip() != "2":
            assert time.monotonic() < deadline
            time.sleep(0.2)
        stops_well(engine, name)


def stops_well(engine: Engine, name: str) -> None:
    """It became healthy, and SIGTERM ends it with 0."""
    deadline = time.monotonic() + PATIENCE
    while engine.inspected(name, ".State.Health.Status") != "healthy":
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert engine("stop", name).returncode == 0
    assert engine.inspected(name, ".State.ExitCode") == 0


def test_it_does_not_listen_to_others_without_a_key(engine: Engine, image: str):
    refused = engine("run", "--rm", *NETWORK, image)
    assert refused.returncode == 1
    assert refused.stderr.strip().splitlines()[-1].startswith("Error: On '0.0.0.0' anybody could")


def test_it_holds_no_more_than_it_needs(engine: Engine, image: str):
    assert mib_over_base(engine, image) < MOST_MIB
    absent = "import importlib.util as u, shutil, sys; "
    absent += "found = [n for n in ('pandas', 'sklearn', 'mlflow', 'pip') if u.find_spec(n)]; "
    absent += "found += [n for n in ('gcc', 'cc') if shutil.which(n)]; sys.exit(str(found or ''))"
    seen = engine("run", "--rm", *NETWORK, image, "python", "-c", absent)
    assert "[" not in seen.stderr
    listed = engine("run", "--rm", *NETWORK, image, "ls", "-A", "/app")
    assert ".env" not in listed.stdout
    assert "local_assets" in listed.stdout
    assert engine.inspected(image, ".Config.User") == "1001:0"


def test_a_container_trains_and_another_serves_it(engine: Engine, trained: Path):
    for model, name in (
        ("logistic_regression", "adult_income_lr"),
        ("xgboost", "adult_income_xgb"),
    ):
        noted = json.loads((trained / "local_assets/models" / name / "champion.json").read_text())
        assert (noted["model"], noted["version"]) == (model, "1")
        port, tag = str(free_port()), f"boxed-{model.replace('_', '-')}-predict"
        make(trained, model, "build-predict")
        make(trained, model, "predict", MODEL_NAME=name, PORT=port, DETACH="1")
        try:
            assert "good" in make(trained, model, "test-endpoint", PORT=port)
            assert ask(f"http://127.0.0.1:{port}/ready")[1]["models"] == {model: "1"}
        finally:
            assert "Stopped" in make(trained, model, "stop")
        assert mib_over_base(engine, tag) < MOST_MIB
        assert not engine("ps", "--all", "--quiet", "--filter", f"name={tag}").stdout


def test_training_again_does_not_beat_itself(trained: Path):
    said = make(trained, "xgboost", "train", MODEL_NAME="adult_income_xgb")
    assert "Model was not registered for this run." in said
    assert not (trained / "local_assets/models/adult_income_xgb/2").exists()


def test_all_models_have_one_image_and_no_name_redirects_them_all(engine: Engine, trained: Path):
    make(trained, "all", "build-predict")
    for name in ("", "adult_income_xgb"):
        port = str(free_port())
        make(trained, "all", "predict-all", PORT=port, DETACH="1", MODEL_NAME=name)
        try:
            said = make(trained, "all", "test-all", PORT=port).splitlines()
            assert [line.split()[:2] for line in said] == [
                ["good", model] for model in ANSWERS["models"].split(", ")
            ]
        finally:
            make(trained, "all", "stop")
    assert mib_over_base(engine, "boxed-all-predict") < MOST_MIB
    engine("rmi", "--force", "boxed-all-predict")


@pytest.fixture
def seeds_root(trained: Path, tmp_path: Path) -> Path:
    """A PROJECT_ROOT_DIR as the seed has it, data/ and models/ in it, which is user 1000's."""
    (tmp_path / "models").mkdir()
    shutil.copytree(trained / "local_assets" / "datasets", tmp_path / "data")
    for path in (tmp_path, *tmp_path.rglob("*")):
        os.chown(path, 1000, 1000)
        path.chmod(0o700)
    return tmp_path


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="gives files to others")
def test_the_commands_of_the_seed_work_as_they_are_written(
    engine: Engine, trained: Path, serving_image: str, seeds_root: Path
):
    """Whoever owns the folders: the container becomes their owner, in a terminal or not."""
    page = (ROOT / "docs" / "seeds.md").read_text(encoding="utf-8")
    train, serving = re.findall(r"(?m)^docker run .*", page)
    payload = json.dumps({"$ref": TABLE, "model_name": "seed_xgb"}, separators=(",", ":"))
    done = in_a_terminal(engine, train, seeds_root, payload)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Registered as seed_xgb, version 1" in done.stdout
    written = [*(seeds_root / "models").rglob("*")]
    assert {(path.stat().st_uid, path.stat().st_gid) for path in written} == {(1000, 1000)}
    assert engine.inspected(serving_image, ".Config.User") == "1001"
    for path in written:  # an image that serves never is root's: it must be allowed to read
        path.chmod(0o755)
    for path in (seeds_root, seeds_root / "models"):
        path.chmod(0o755)
    serving = serving.replace("$PROJECT_ROOT_DIR", str(seeds_root))
    for variable in ("MODEL_NAME", "MODElNAME"):
        line = serving.replace("MODElNAME=${MODEL_NAME}", f"{variable}=seed_xgb")
        options = [word for word in shlex.split(line)[2:-1] if word not in ("--rm", "-it")]
        with engine.running(serving_image, *options) as (container, address):
            until_ready(address)
            assert "good" in make(trained, "xgboost", "test-endpoint", URL=address)
            assert len(predict(address, "xgboost", [ROW, ROW])["predictions"]) == 2
            stops_well(engine, container)


def in_a_terminal(
    engine: Engine, line: str, root: Path, payload: str
) -> "subprocess.CompletedProcess[str]":
    """Run a line of the seed by a shell whose input is a terminal, which `-it` asks for."""
    line = line.replace("docker run", f"{engine.program} run {' '.join(NETWORK)}")
    given = {
        "PROJECT_ROOT_DIR": str(root),
        "PAYLOAD": payload,
        "TRAIN_CONTAINER_NAME": "boxed-xgboost-train",
    }
    ours, theirs = pty.openpty()
    try:
        return subprocess.run(
            ["sh", "-c", line],
            env=os.environ | given,
            stdin=theirs,
            capture_output=True,
            text=True,
            timeout=300,
        )
    finally:
        os.close(ours)
        os.close(theirs)


def test_to_publish_a_port_takes_one_word_that_the_refusal_names(
    engine: Engine, trained: Path, serving_image: str
):
    served = ("-v", f"{trained / 'local_assets' / 'models'}:/action/models")
    served += ("-e", "MODEL_NAME=adult_income_xgb", "-e", f"BIND=0.0.0.0:{free_port()}")
    refused = engine("run", "--rm", *NETWORK, *served, serving_image)
    assert refused.returncode != 0
    assert "docker run -e AUTHENTICATION=off -p 127.0.0.1:5111:5000" in refused.stderr
    for word in ("AUTHENTICATION=off", "API_KEY=0123456789abcdef"):
        port = free_port()
        bind = ("-e", f"BIND=0.0.0.0:{port}", "-e", word)
        with engine.running(serving_image, *served, *bind):
            until_ready(f"http://127.0.0.1:{port}", "/health")


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="gives files to others")
@pytest.mark.usefixtures("serving_image")
def test_a_container_that_may_not_write_or_read_says_whose_the_folder_is(
    engine: Engine, seeds_root: Path
):
    data, models = seeds_root / "data", seeds_root / "models"
    payload = json.dumps({"$ref": TABLE, "model_name": "x"})
    train = ("-v", f"{data}:/model/data", "-e", "TRAIN=1", "-e", f"PAYLOAD={payload}")
    write = (*train, "-v", f"{models}:/model/models")

    def said(image: str, *options: str) -> str:
        done = engine("run", "--rm", *NETWORK, *options, f"boxed-xgboost-{image}")
        assert done.returncode == 1
        assert "Traceback" not in done.stderr
        return done.stderr.strip().splitlines()[-1]

    start = "start the container with --user 1000:1000, or allow others to read what is mounted."
    assert said("train", *write, "--user", "1234:0") == (
        f"Error: /model/models cannot be read by user 1234: {start}"
    )
    assert said("predict", "-v", f"{models}:/action/models") == (
        f"Error: /action/models cannot be read by user 1001: {start}"
    )
    assert said("train", *write, "--cap-drop", "ALL").endswith("start it with --user 1000:1000.")
    for folder in (seeds_root, models, data):
        folder.chmod(0o755)
    (data / "income.parquet").chmod(0o644)
    assert said("train", *write, "--user", "1234:0").endswith(
        "/model/models is user 1000's: run the container with --user 1000:1000, or give what is "
        "mounted there to this user: chown -R 1234:0."
    )
    assert "without :ro" in said("train", *train, "-v", f"{models}:/model/models:ro")
    assert said("train", *train).endswith("Mount a folder there: -v FOLDER:/model/models.")
    done = engine("run", "--rm", *NETWORK, *write, "--user", "1000:1000", "boxed-xgboost-train")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        ('{"$ref"', "PAYLOAD is not valid JSON"),
        ('{"$ref": "data/none.csv", "model_name": "x"}', "/model/data has income.parquet"),
        ('{"$ref": "data/income.parquet", "model_name": "../x"}', "MODEL_NAME: '../x' must be"),
    ],
)
def test_a_training_container_says_what_is_wrong(
    engine: Engine, trained: Path, payload: str, said: str
):
    assets = trained / "local_assets"
    mounts = ("-v", f"{assets / 'datasets'}:/model/data", "-v", f"{assets}/new:/model/models")
    variables = ("-e", "TRAIN=1", "-e", f"PAYLOAD={payload}")
    done = engine("run", "--rm", *NETWORK, *mounts, *variables, "boxed-xgboost-train")
    assert done.returncode == 1
    assert said in done.stderr.strip().splitlines()[-1]
    assert "Traceback" not in done.stderr


@pytest.mark.usefixtures("trained")
def test_the_builder_keeps_the_contract_of_s2i(engine: Engine):
    builder = "boxed-builder-train"
    labels = engine.inspected(builder, ".Config.Labels")
    assert labels["io.openshift.s2i.scripts-url"] == "image:///usr/libexec/s2i"
    assert engine.inspected(builder, ".Config.User") == "1001"
    assert engine.inspected("boxed-xgboost-train", ".Config.Cmd") == ["/usr/libexec/s2i/run"]
    variables = engine.inspected("boxed-xgboost-train", ".Config.Env")
    assert "TRAIN_MODULE=models.xgboost.entry" in variables
    usage = engine("run", "--rm", *NETWORK, builder)
    assert "build-train" in usage.stdout


def test_what_was_installed_need_not_be_installed_again(
    engine: Engine, trained: Path, serving_image: str, tmp_path: Path
):
    """`s2i build --incremental`: what save-artifacts streams is there when assemble runs."""
    with (tmp_path / "artifacts.tar").open("wb") as stream:
        words = ["run", "--rm", *NETWORK, serving_image, "/usr/libexec/s2i/save-artifacts"]
        subprocess.run([engine.program, *words], stdout=stream, check=True)
    stage = "import pathlib, sys; from seedling.containers import images; "
    stage += "from seedling.config import Project; "
    stage += "images.stage_source(Project.find(), 'xgboost', 'predict', pathlib.Path(sys.argv[1]))"
    call([python_of(trained), "-c", stage, tmp_path / "source"], trained)
    (tmp_path / "Dockerfile").write_text(
        "FROM boxed-builder-predict\n"
        "ADD --chown=1001:0 artifacts.tar /tmp/artifacts/\n"
        "COPY --chown=1001:0 source /tmp/src\n"
        "RUN /usr/libexec/s2i/assemble && python -c 'import onnxruntime'\n"
    )
    built = engine("build", "--network", "none", "--tag", "boxed-again", str(tmp_path))
    assert built.returncode == 0, built.stderr
    engine("rmi", "--force", "boxed-again")


def test_what_a_model_installs_itself_is_there(engine: Engine, trained: Path):
    """setup.sh runs as root, before what requirements name; build.sh names the image."""
    setup = trained / "models" / "logistic_regression" / "setup.sh"
    setup.write_text("#!/bin/sh\nid -u > /etc/set-up-by\n")
    tag = f"boxed-set-up-{uuid4().hex[:8]}"
    words = ["./build.sh", tag, "models/logistic_regression", "predict"]
    try:
        built = subprocess.run(
            words, cwd=trained, env=engine.settings(), capture_output=True, text=True
        )
    finally:
        setup.unlink()
    assert built.returncode == 0, built.stdout + built.stderr
    seen = engine("run", "--rm", *NETWORK, tag, "cat", "/etc/set-up-by")
    assert seen.stdout == "0\n"
    engine("rmi", "--force", tag, f"{tag}-builder")


def test_predict_without_a_container_is_the_same_service(trained: Path):
    port = str(free_port())
    words = ["model", "xgboost", "predict-local", "--model-name", "adult_income_xgb"]
    command = [str(python_of(trained)), "-m", "seedling", *words, "--port", port]
    server = subprocess.Popen(command, cwd=trained, stderr=subprocess.DEVNULL)
    try:
        until_ready(f"http://127.0.0.1:{port}")
        ready = ask(f"http://127.0.0.1:{port}/ready")[1]
        assert ready["models"] == {"xgboost": "1"}
        tried = ["model", "xgboost", "test-endpoint", "--port", port]
        assert "good" in call([python_of(trained), "-m", "seedling", *tried], trained).stdout
    finally:
        server.send_signal(signal.SIGTERM)
        assert server.wait(timeout=PATIENCE) == 0


def test_ctrl_c_ends_the_container(engine: Engine, trained: Path):
    make(trained, "logistic_regression", "build-predict")
    port = str(free_port())
    words = ["model", "logistic_regression", "predict", "--model-name", "adult_income_lr"]
    command = [str(python_of(trained)), "-m", "seedling", *words, "--port", port]
    running = subprocess.Popen(
        command,
        cwd=trained,
        env=engine.settings(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    until_ready(f"http://127.0.0.1:{port}")
    running.send_signal(signal.SIGINT)
    said = running.communicate(timeout=PATIENCE)[0].decode()
    assert running.returncode == 0, said
    assert "Traceback" not in said
    left = engine("ps", "--all", "--quiet", "--filter", "name=boxed-logistic-regression-predict")
    assert left.stdout == ""
