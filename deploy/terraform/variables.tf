variable "installation" {
  description = "The name of the installation, as in the configuration."
  type        = string
  default     = "orgwatch"

  validation {
    condition     = can(regex("^[a-z][a-z0-9]{0,19}$", var.installation))
    error_message = "1 to 20 lower-case letters or digits, beginning with a letter."
  }
}

variable "external_id" {
  description = "What member.external_id holds; null for none."
  type        = string
  default     = null
  sensitive   = true
}

variable "forwarding_role" {
  description = "As member.forwarding_role in the configuration: with \"existing\" the stack set makes the forwarding roles and orgwatch may not write to IAM anywhere."
  type        = string
  default     = "managed"

  validation {
    condition     = contains(["managed", "existing"], var.forwarding_role)
    error_message = "\"managed\" or \"existing\"."
  }
}

variable "trail_log_group" {
  description = "The log group of the organization's trail in the management account, for metric filters and alarms there (compliance.metric_alarms in the configuration); null: none are kept, or the group is in the central account, where the task role keeps them."
  type        = string
  default     = null
}

variable "organizational_unit_ids" {
  description = "Where members get their role: roots or organizational units, with everything below. Empty: the whole organization."
  type        = list(string)
  default     = []
}

variable "task_trust" {
  description = "Who may become the task role, as a policy document; null: tasks of the Elastic Container Service. For a pod or an instance give its own."
  type        = string
  default     = null
}

variable "service" {
  description = "Runs the daemon on Fargate. Null: it runs elsewhere, with the task role."
  type = object({
    image                = string
    configuration        = string
    vpc_id               = string
    subnet_ids           = list(string)
    image_repository_arn = optional(string)
    architecture         = optional(string, "ARM64")
    init_image           = optional(string, "public.ecr.aws/docker/library/busybox:stable-musl")
    assign_public_ip     = optional(bool, false)
    page_cidrs           = optional(list(string), [])
    alarm_topic_arns     = optional(list(string), [])
  })
  default = null

  validation {
    condition     = var.service == null || contains(["ARM64", "X86_64"], try(var.service.architecture, ""))
    error_message = "service.architecture is \"ARM64\" or \"X86_64\"."
  }
}

variable "tags" {
  description = "Tags on everything that this module makes."
  type        = map(string)
  default     = {}
}
