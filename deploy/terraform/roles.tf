# The roles. Every policy is a file of deploy/iam, whose placeholders are this language's own.

data "aws_caller_identity" "central" {
  provider = aws.central
}

data "aws_region" "central" {
  provider = aws.central
}

data "aws_partition" "central" {
  provider = aws.central
}

data "aws_organizations_organization" "this" {
  provider = aws.management
}

locals {
  central_account = data.aws_caller_identity.central.account_id
  central_region  = data.aws_region.central.name
  partition       = data.aws_partition.central.partition
  tags            = merge(var.tags, { "orgwatch:managed-by" = var.installation })

  placeholders = {
    Partition      = local.partition
    CentralAccount = local.central_account
    CentralRegion  = local.central_region
    OrganizationId = data.aws_organizations_organization.this.id
    Installation   = var.installation
  }
}

# The role that the daemon runs with. Member and reader roles trust its name.
resource "aws_iam_role" "task" {
  provider           = aws.central
  name               = "${var.installation}-task"
  description        = "The orgwatch daemon"
  assume_role_policy = coalesce(var.task_trust, templatefile("${path.module}/../iam/central-task-trust.json", local.placeholders))
  tags               = local.tags
}

resource "aws_iam_role_policy" "task" {
  provider = aws.central
  name     = "${var.installation}-task"
  role     = aws_iam_role.task.id
  policy   = templatefile("${path.module}/../iam/central-task-policy.json", local.placeholders)
}

# For alerts with delivery = "role": EventBridge publishes with it to topics that do not admit EventBridge itself.
resource "aws_iam_role" "delivery" {
  provider           = aws.central
  name               = "${var.installation}-delivery"
  description        = "Publishes alerts of orgwatch to its topics"
  assume_role_policy = templatefile("${path.module}/../iam/delivery-role-trust.json", local.placeholders)
  tags               = local.tags
}

resource "aws_iam_role_policy" "delivery" {
  provider = aws.central
  name     = "${var.installation}-publish"
  role     = aws_iam_role.delivery.id
  policy   = templatefile("${path.module}/../iam/delivery-role-policy.json", local.placeholders)
}

# What the management account needs, and the coverage of that account itself: the template, so that there is one list of
# its roles. Terraform has no other way than a stack set to reach accounts that join later, so that is one as well.
resource "aws_cloudformation_stack" "organization" {
  provider      = aws.management
  name          = "${var.installation}-organization"
  template_body = file("${path.module}/../cloudformation/organization-reader.yaml")
  capabilities  = ["CAPABILITY_NAMED_IAM"]
  tags          = var.tags

  parameters = {
    Installation   = var.installation
    CentralAccount = local.central_account
    CentralRegion  = local.central_region
    OrganizationId = data.aws_organizations_organization.this.id
    ExternalId     = var.external_id == null ? "" : var.external_id
  }
}

# Only where metric filters and alarms for auditors are asked for and the trail's log group is in the management account.
resource "aws_cloudformation_stack" "alarms" {
  count = var.trail_log_group == null ? 0 : 1

  provider      = aws.management
  name          = "${var.installation}-alarms"
  template_body = file("${path.module}/../cloudformation/alarms-role.yaml")
  capabilities  = ["CAPABILITY_NAMED_IAM"]
  tags          = var.tags

  parameters = {
    Installation   = var.installation
    CentralAccount = local.central_account
    CentralRegion  = local.central_region
    OrganizationId = data.aws_organizations_organization.this.id
    LogGroup       = var.trail_log_group
    ExternalId     = var.external_id == null ? "" : var.external_id
  }
}

resource "aws_cloudformation_stack_set" "member" {
  provider         = aws.management
  name             = "${var.installation}-member"
  description      = "The role that orgwatch assumes in every member"
  template_body    = file("${path.module}/../cloudformation/member-role.yaml")
  capabilities     = ["CAPABILITY_NAMED_IAM"]
  permission_model = "SERVICE_MANAGED"
  tags             = var.tags

  parameters = {
    Installation   = var.installation
    CentralAccount = local.central_account
    CentralRegion  = local.central_region
    OrganizationId = data.aws_organizations_organization.this.id
    ForwardingRole = var.forwarding_role
    ExternalId     = var.external_id == null ? "" : var.external_id
  }

  auto_deployment {
    enabled                          = true
    retain_stacks_on_account_removal = false
  }

  managed_execution {
    active = true
  }

  operation_preferences {
    max_concurrent_percentage    = 10
    failure_tolerance_percentage = 10
  }

  lifecycle {
    # AWS fills it in for stack sets of this kind, and Terraform would take it away again.
    ignore_changes = [administration_role_arn]
  }
}

resource "aws_cloudformation_stack_set_instance" "member" {
  for_each = toset(length(var.organizational_unit_ids) > 0 ? var.organizational_unit_ids : [data.aws_organizations_organization.this.roots[0].id])

  provider       = aws.management
  stack_set_name = aws_cloudformation_stack_set.member.name
  region         = local.central_region

  deployment_targets {
    organizational_unit_ids = [each.value]
  }
}
