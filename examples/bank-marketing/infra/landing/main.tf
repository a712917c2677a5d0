# Real Terraform with the builtin provider: nothing to download, nothing to pay for.
terraform {
  required_version = ">= 1.4"
}

variable "environment" {
  type        = string
  description = "Which environment this is."
}

resource "terraform_data" "bucket" {
  input = "predictions-${var.environment}"
}

resource "terraform_data" "retention" {
  input = {
    bucket = terraform_data.bucket.output
    days   = 30
  }
}

output "bucket" {
  value = terraform_data.bucket.output
}

output "retention" {
  value = terraform_data.retention.output
}
