# orgwatch in the account 222222222222 of an organization whose management account is 111111111111.
#
# The first apply makes the roles. The token is set once, so that it is in no state file:
#   aws secretsmanager put-secret-value --secret-id "$(terraform output -raw token_secret_arn)" \
#     --secret-string "$(openssl rand -hex 32)"

terraform {
  required_version = ">= 1.5"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.40"
    }
  }
}

provider "aws" {
  alias   = "central"
  region  = "us-east-1" # where IAM's events appear: cn-north-1 in China, us-gov-west-1 in GovCloud
  profile = "security"
}

provider "aws" {
  alias   = "management"
  region  = "us-east-1"
  profile = "management"
}

variable "image" {
  description = "The image of orgwatch by digest."
  type        = string
}

variable "vpc_id" {
  description = "The network to run in."
  type        = string
}

variable "subnet_ids" {
  description = "Subnets with a way to AWS's endpoints."
  type        = list(string)
}

module "orgwatch" {
  source = "../"

  providers = {
    aws.central    = aws.central
    aws.management = aws.management
  }

  service = {
    image      = var.image
    vpc_id     = var.vpc_id
    subnet_ids = var.subnet_ids

    configuration = <<-TOML
      [organization]
      id = "o-a1b2c3d4e5"
      reader_role_arn = "arn:aws:iam::111111111111:role/orgwatch-organization-reader"
      management_role_arn = "arn:aws:iam::111111111111:role/orgwatch-member"

      [central]
      account_id = "222222222222"

      [[alert]]
      name = "iam-changes"
      subscriptions = [{ protocol = "email", endpoint = "security@example.com" }]

      [http]
      bind = "0.0.0.0:8080"

      [[http.token]]
      name = "operator"
      file = "/etc/orgwatch/token"
      role = "operator"
    TOML
  }
}

output "token_secret_arn" {
  description = "The secret that takes the operator's token."
  value       = module.orgwatch.token_secret_arn
}
