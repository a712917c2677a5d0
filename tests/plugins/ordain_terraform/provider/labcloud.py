"""A real Terraform provider: buckets that are folders. Run by a Python that has the package ``tf``, not by ours."""

import os
import sys
from pathlib import Path

from tf.iface import Provider, Resource
from tf.runner import run_provider
from tf.schema import Attribute, Schema
from tf.types import String

CLOUD = Path(os.environ["LABCLOUD"])


class Bucket(Resource):
    def __init__(self, provider):
        pass

    @classmethod
    def get_name(cls):
        return "bucket"

    @classmethod
    def get_schema(cls):
        return Schema(
            version=1,
            attributes=[
                Attribute("name", String(), required=True, requires_replace=True),
                Attribute("tier", String(), optional=True),
            ],
        )

    def create(self, ctx, planned):
        (CLOUD / planned["name"]).write_text(planned.get("tier") or "")
        return planned

    def read(self, ctx, current):
        path = CLOUD / current["name"]
        return {**current, "tier": path.read_text() or None} if path.exists() else None

    def update(self, ctx, current, planned):
        return self.create(ctx, planned)

    def delete(self, ctx, current):
        (CLOUD / current["name"]).unlink(missing_ok=True)

    def import_(self, ctx, id):
        if id == "forbidden":
            ctx.diagnostics.add_error("403 AccessDenied", "this bucket is not yours")
            return None
        return self.read(ctx, {"name": id})


class Labcloud(Provider):
    def get_model_prefix(self):
        return "labcloud_"

    def get_provider_schema(self, diags):
        return Schema(attributes=[])

    def full_name(self):
        return "registry.terraform.io/lab/labcloud"

    def validate_config(self, diags, config):
        pass

    def configure_provider(self, diags, config):
        pass

    def get_data_sources(self):
        return []

    def get_resources(self):
        return [Bucket]


run_provider(Labcloud(), sys.argv)
