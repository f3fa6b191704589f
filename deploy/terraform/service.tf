# The daemon as one task on Fargate, as in cloudformation/central.yaml.

locals {
  run = var.service == null ? {} : { (var.installation) = var.service }
}

resource "aws_secretsmanager_secret" "configuration" {
  for_each    = local.run
  provider    = aws.central
  name_prefix = "${each.key}-configuration-"
  description = "The configuration of orgwatch"
  tags        = local.tags
}

resource "aws_secretsmanager_secret_version" "configuration" {
  for_each      = local.run
  provider      = aws.central
  secret_id     = aws_secretsmanager_secret.configuration[each.key].id
  secret_string = each.value.configuration
}

# Its value is set once, by hand or by a rotation, so that it never enters Terraform's state.
resource "aws_secretsmanager_secret" "token" {
  for_each    = local.run
  provider    = aws.central
  name_prefix = "${each.key}-token-"
  description = "The operator's token for the page and the API of orgwatch"
  tags        = local.tags
}

# A security team asks for a year and a month of what was written and why.
resource "aws_cloudwatch_log_group" "this" {
  for_each          = local.run
  provider          = aws.central
  name              = "/orgwatch/${each.key}"
  retention_in_days = 400
  tags              = local.tags
}

# What the container service does before and beside the daemon. The daemon cannot use it.
resource "aws_iam_role" "execution" {
  for_each    = local.run
  provider    = aws.central
  name_prefix = "${each.key}-execution-"
  description = "Starts the task of orgwatch"
  tags        = var.tags
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "ecs-tasks.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "aws:SourceAccount" = local.central_account } }
    }]
  })
}

resource "aws_iam_role_policy" "execution" {
  for_each = local.run
  provider = aws.central
  name     = "start"
  role     = aws_iam_role.execution[each.key].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat([
      {
        Sid      = "Logs"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = "${aws_cloudwatch_log_group.this[each.key].arn}:*"
      },
      {
        Sid    = "Secrets"
        Effect = "Allow"
        Action = "secretsmanager:GetSecretValue"
        Resource = [
          aws_secretsmanager_secret.configuration[each.key].arn,
          aws_secretsmanager_secret.token[each.key].arn,
        ]
      },
      ], each.value.image_repository_arn == null ? [] : [
      {
        Sid      = "EnterTheRegistry"
        Effect   = "Allow"
        Action   = "ecr:GetAuthorizationToken"
        Resource = "*"
      },
      {
        Sid      = "PullTheImage"
        Effect   = "Allow"
        Action   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
        Resource = each.value.image_repository_arn
      },
    ])
  })
}

resource "aws_ecs_cluster" "this" {
  for_each = local.run
  provider = aws.central
  name     = each.key
  tags     = var.tags

  setting {
    name  = "containerInsights"
    value = "enabled"
  }
}

resource "aws_security_group" "this" {
  for_each    = local.run
  provider    = aws.central
  name_prefix = "${each.key}-"
  description = "orgwatch, to AWS by https and from nowhere unless page_cidrs says so"
  vpc_id      = each.value.vpc_id
  tags        = var.tags

  egress {
    description = "AWS endpoints"
    protocol    = "tcp"
    from_port   = 443
    to_port     = 443
    cidr_blocks = ["0.0.0.0/0"]
  }

  dynamic "ingress" {
    for_each = length(each.value.page_cidrs) > 0 ? [each.value.page_cidrs] : []

    content {
      description = "page and API"
      protocol    = "tcp"
      from_port   = 8080
      to_port     = 8080
      cidr_blocks = ingress.value
    }
  }
}

resource "aws_ecs_task_definition" "this" {
  for_each                 = local.run
  provider                 = aws.central
  family                   = each.key
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  # Enough for thousands of accounts.
  cpu                = 256
  memory             = 512
  task_role_arn      = aws_iam_role.task.arn
  execution_role_arn = aws_iam_role.execution[each.key].arn
  tags               = var.tags

  runtime_platform {
    cpu_architecture        = each.value.architecture
    operating_system_family = "LINUX"
  }

  volume {
    name = "configuration"
  }

  volume {
    name = "data"
  }

  container_definitions = jsonencode([
    {
      # Its image has a shell, that of orgwatch has none.
      name                   = "configuration"
      image                  = each.value.init_image
      essential              = false
      readonlyRootFilesystem = true
      entryPoint             = ["sh", "-euc"]
      command = [join(" ", [
        "umask 077;",
        "printf %s \"$CONFIGURATION\" > /etc/orgwatch/orgwatch.toml;",
        "printf %s \"$TOKEN\" > /etc/orgwatch/token;",
        "chown -R 65532:65532 /etc/orgwatch /var/lib/orgwatch",
      ])]
      secrets = [
        { name = "CONFIGURATION", valueFrom = aws_secretsmanager_secret.configuration[each.key].arn },
        { name = "TOKEN", valueFrom = aws_secretsmanager_secret.token[each.key].arn },
      ]
      mountPoints = [
        { sourceVolume = "configuration", containerPath = "/etc/orgwatch", readOnly = false },
        { sourceVolume = "data", containerPath = "/var/lib/orgwatch", readOnly = false },
      ]
      logConfiguration = {
        logDriver = "awslogs"
        options = {
          awslogs-group         = aws_cloudwatch_log_group.this[each.key].name
          awslogs-region        = local.central_region
          awslogs-stream-prefix = "start"
        }
      }
    },
    {
      name                   = "orgwatch"
      image                  = each.value.image
      command                = ["serve"]
      essential              = true
      dependsOn              = [{ containerName = "configuration", condition = "SUCCESS" }]
      user                   = "65532:65532"
      readonlyRootFilesystem = true
      linuxParameters        = { capabilities = { drop = ["ALL"] } }
      portMappings           = [{ containerPort = 8080, protocol = "tcp" }]
      healthCheck = {
        command     = ["CMD", "/orgwatch", "health"]
        interval    = 30
        timeout     = 5
        retries     = 3
        startPeriod = 10
      }
      # It ends within 10 seconds; a change that was begun is finished.
      stopTimeout = 30
      mountPoints = [
        { sourceVolume = "configuration", containerPath = "/etc/orgwatch", readOnly = true },
        { sourceVolume = "data", containerPath = "/var/lib/orgwatch", readOnly = false },
      ]
      logConfiguration = {
        logDriver = "awslogs"
        options = {
          awslogs-group         = aws_cloudwatch_log_group.this[each.key].name
          awslogs-region        = local.central_region
          awslogs-stream-prefix = "orgwatch"
        }
      }
    },
  ])
}

resource "aws_ecs_service" "this" {
  for_each        = local.run
  provider        = aws.central
  name            = each.key
  cluster         = aws_ecs_cluster.this[each.key].id
  task_definition = aws_ecs_task_definition.this[each.key].arn
  launch_type     = "FARGATE"
  desired_count   = 1
  tags            = var.tags

  # The old task ends before the new one starts. Two would do no harm, but would write every change twice.
  deployment_minimum_healthy_percent = 0
  deployment_maximum_percent         = 100

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  network_configuration {
    subnets          = each.value.subnet_ids
    security_groups  = [aws_security_group.this[each.key].id]
    assign_public_ip = each.value.assign_public_ip
  }
}

# Alerts flow without the daemon; what this says is that nobody looks after the path any more.
resource "aws_cloudwatch_metric_alarm" "not_running" {
  for_each            = local.run
  provider            = aws.central
  alarm_name          = "${each.key}-not-running"
  alarm_description   = "No task of orgwatch has been running for 10 minutes. Alerts still flow; what breaks them is not repaired."
  namespace           = "ECS/ContainerInsights"
  metric_name         = "RunningTaskCount"
  dimensions          = { ClusterName = each.key, ServiceName = each.key }
  statistic           = "Maximum"
  period              = 300
  evaluation_periods  = 2
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  treat_missing_data  = "breaching"
  alarm_actions       = each.value.alarm_topic_arns
  ok_actions          = each.value.alarm_topic_arns
  tags                = var.tags
}

resource "aws_cloudwatch_metric_alarm" "dead_letters" {
  for_each            = local.run
  provider            = aws.central
  alarm_name          = "${each.key}-dead-letters"
  alarm_description   = "Alerts could not be delivered and wait in the dead-letter queue of this Region."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = { QueueName = "${each.key}-dead-letters" }
  statistic           = "Maximum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
  alarm_actions       = each.value.alarm_topic_arns
  ok_actions          = each.value.alarm_topic_arns
  tags                = var.tags
}
