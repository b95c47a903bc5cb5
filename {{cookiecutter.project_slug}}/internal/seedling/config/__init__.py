"""model.yaml: read, validated, and written back with its comments kept."""

from seedling.config import registrations
from seedling.config.azure import (
    AutoMl,
    AzureEnvironment,
    AzureMl,
    BatchDeployment,
    Cluster,
    OnlineDeployment,
    SharedRegistry,
    TrainingJob,
    WebApp,
    keep_models,
)
from seedling.config.datasets import (
    DATASETS,
    Dataset,
    Label,
    Name,
    NamedDataset,
    Split,
    Target,
)
from seedling.config.document import PLACEHOLDER, Section, read_text, round_trip, validated
from seedling.config.model_yaml import FILE_NAME, Config, Slug, expand, read_config
from seedling.config.models import (
    ModelName,
    RegisteredModel,
    Registrations,
    SearchRange,
    SearchValue,
    SearchValues,
    TrainedModel,
    Training,
)
from seedling.config.monitoring import (
    DriftSettings,
    Monitoring,
    PerformanceSettings,
    cron,
    span,
)
from seedling.config.project import NoProjectError, Project
from seedling.config.reading import Reading
from seedling.config.serving import FeatureStore, PredictionLog, Serving
from seedling.config.stages import Stage, stage

__all__ = [
    "DATASETS",
    "FILE_NAME",
    "PLACEHOLDER",
    "AutoMl",
    "AzureEnvironment",
    "AzureMl",
    "BatchDeployment",
    "Cluster",
    "Config",
    "Dataset",
    "DriftSettings",
    "FeatureStore",
    "Label",
    "ModelName",
    "Monitoring",
    "Name",
    "NamedDataset",
    "NoProjectError",
    "OnlineDeployment",
    "PerformanceSettings",
    "PredictionLog",
    "Project",
    "Reading",
    "RegisteredModel",
    "Registrations",
    "SearchRange",
    "SearchValue",
    "SearchValues",
    "Section",
    "Serving",
    "SharedRegistry",
    "Slug",
    "Split",
    "Stage",
    "Target",
    "TrainedModel",
    "Training",
    "TrainingJob",
    "WebApp",
    "cron",
    "expand",
    "keep_models",
    "read_config",
    "read_text",
    "registrations",
    "round_trip",
    "span",
    "stage",
    "validated",
]
