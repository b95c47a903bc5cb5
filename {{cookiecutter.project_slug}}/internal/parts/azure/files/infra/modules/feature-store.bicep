// The feature store in Azure SQL, which is entered with tokens of Entra ID and no password. What an
// identity may do in the database is said there, in SQL: docs/infrastructure.md.
param serverName string
param database string
param administrators object
param logName string
param location string
param project string

resource server 'Microsoft.Sql/servers@2023-08-01' = {
  // checkov:skip=CKV_AZURE_113: hosted CI and people reach it from the internet; every request needs a token of Entra ID
  // checkov:skip=CKV_AZURE_23: `audit` below is the setting
  // checkov:skip=CKV_AZURE_24: `audit` below is the setting, with 90 days
  // checkov:skip=CKV_AZURE_25: Defender for SQL is billed by server: the subscription's owner turns it on for all of them
  name: serverName
  location: location
  tags: {
    project: project
  }
  properties: {
    version: '12.0'
    minimalTlsVersion: '1.2'
    publicNetworkAccess: 'Enabled'
    administrators: {
      administratorType: 'ActiveDirectory'
      azureADOnlyAuthentication: true
      login: administrators.name
      sid: administrators.objectId
      tenantId: subscription().tenantId
      principalType: 'Group'
    }
  }
}

resource features 'Microsoft.Sql/servers/databases@2023-08-01' = {
  // checkov:skip=CKV_AZURE_23: the server's setting holds for its databases
  // checkov:skip=CKV_AZURE_25: Defender for SQL is billed by server: the subscription's owner turns it on for all of them
  // checkov:skip=CKV_AZURE_26: Defender for SQL is billed by server: the subscription's owner turns it on for all of them
  // checkov:skip=CKV_AZURE_27: Defender for SQL is billed by server: the subscription's owner turns it on for all of them
  // checkov:skip=CKV_AZURE_229: features can be written again; its backups are in three zones
  parent: server
  name: database
  location: location
  sku: {
    name: 'GP_S_Gen5_1'
    tier: 'GeneralPurpose'
  }
  properties: {
    autoPauseDelay: 60
    minCapacity: json('0.5')
    requestedBackupStorageRedundancy: 'Zone'
  }
}

// The cluster and the service have no address of their own: those of Azure are let in, with a token.
resource azure 'Microsoft.Sql/servers/firewallRules@2023-08-01' = {
  parent: server
  name: 'AllowAllWindowsAzureIps'
  properties: {
    startIpAddress: '0.0.0.0'
    endIpAddress: '0.0.0.0'
  }
}

resource audit 'Microsoft.Sql/servers/auditingSettings@2023-08-01' = {
  parent: server
  name: 'default'
  properties: {
    state: 'Enabled'
    isAzureMonitorTargetEnabled: true
    retentionDays: 90
  }
}

resource log 'Microsoft.OperationalInsights/workspaces@2023-09-01' existing = {
  name: logName
}

resource master 'Microsoft.Sql/servers/databases@2023-08-01' existing = {
  // checkov:skip=CKV_AZURE_23: the server's setting holds for its databases
  // checkov:skip=CKV_AZURE_25: Defender for SQL is billed by server: the subscription's owner turns it on for all of them
  // checkov:skip=CKV_AZURE_26: Defender for SQL is billed by server: the subscription's owner turns it on for all of them
  // checkov:skip=CKV_AZURE_27: Defender for SQL is billed by server: the subscription's owner turns it on for all of them
  // checkov:skip=CKV_AZURE_229: Azure makes this one with the server
  parent: server
  name: 'master'
}

// Only a preview of this type is published.
resource auditLog 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: master
  name: 'audit'
  properties: {
    workspaceId: log.id
    logs: [
      {
        category: 'SQLSecurityAuditEvents'
        enabled: true
      }
    ]
  }
}

output server string = server.properties.fullyQualifiedDomainName
