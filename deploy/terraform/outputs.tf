output "alarms_role_arn" {
  description = "For compliance.role_arn; null without trail_log_group."
  value       = one([for stack in aws_cloudformation_stack.alarms : stack.outputs["AlarmsRoleArn"]])
}

output "task_role_arn" {
  description = "The role that the daemon runs with."
  value       = aws_iam_role.task.arn
}

output "configuration" {
  description = "What the configuration must say of this deployment."
  value       = <<-TOML
    installation = "${var.installation}"

    [organization]
    id = "${data.aws_organizations_organization.this.id}"
    reader_role_arn = "${aws_cloudformation_stack.organization.outputs["OrganizationReaderRoleArn"]}"
    management_role_arn = "${aws_cloudformation_stack.organization.outputs["MemberRoleArn"]}"

    [central]
    account_id = "${local.central_account}"
    region = "${local.central_region}"
  TOML
}

output "token_secret_arn" {
  description = "The secret that takes the operator's token, if the daemon runs here."
  value       = one([for secret in aws_secretsmanager_secret.token : secret.arn])
}
